# Empty dependencies file for testing_test.
# This may be replaced when dependencies are built.
