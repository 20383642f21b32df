"""What is learned: tasks, their runs, and the models that come of them."""
