# Empty dependencies file for contract_test.
# This may be replaced when dependencies are built.
