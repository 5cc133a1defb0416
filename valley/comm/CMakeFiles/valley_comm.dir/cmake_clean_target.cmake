file(REMOVE_RECURSE
  "libvalley_comm.a"
)
