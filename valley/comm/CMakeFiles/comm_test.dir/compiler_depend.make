# Empty compiler generated dependencies file for comm_test.
# This may be replaced when dependencies are built.
