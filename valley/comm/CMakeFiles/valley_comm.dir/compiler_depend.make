# Empty compiler generated dependencies file for valley_comm.
# This may be replaced when dependencies are built.
