"""What people look at: pictures and texts, as functions from a run's data to a figure or a page.

`views.heatmap` and `views.progress` need matplotlib and `views.terminal` rich: import them where
they are used.
"""
