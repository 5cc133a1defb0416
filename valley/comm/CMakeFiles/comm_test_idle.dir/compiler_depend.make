# Empty compiler generated dependencies file for comm_test_idle.
# This may be replaced when dependencies are built.
