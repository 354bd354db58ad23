"""The task's contract, and one genome's run: its device, its process tree, its measurement.

The doors, each in the module of its name: `task.load_task`, `devices.find_devices`,
`setup.set_up`, `fingerprint.fingerprint`, `measure.measure`. By hand: `python -m trainer GENOME`.
This room imports `population` and nothing else of ours, and knows nothing of what a genome does.
"""
