"""What is shown: figures declared as data, panels, curves and maps, drawing."""
