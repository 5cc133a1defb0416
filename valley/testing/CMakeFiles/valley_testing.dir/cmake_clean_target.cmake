file(REMOVE_RECURSE
  "libvalley_testing.a"
)
