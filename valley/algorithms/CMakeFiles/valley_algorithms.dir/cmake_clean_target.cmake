file(REMOVE_RECURSE
  "libvalley_algorithms.a"
)
