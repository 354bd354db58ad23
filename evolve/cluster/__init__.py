"""A run on a Ray cluster: what travels to its nodes, which of them join, and their devices.

`evolve.loop.evaluators.ray_cluster` is what the loop sees of it. Ray is an extra, imported only
when a cluster is used; nodes need the project's dependencies and Ray, but not the project itself.
"""
