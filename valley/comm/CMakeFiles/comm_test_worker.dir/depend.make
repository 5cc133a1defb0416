# Empty dependencies file for comm_test_worker.
# This may be replaced when dependencies are built.
