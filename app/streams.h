#pragma once

#include <ostream>
#include <streambuf>

#include "valley/core/voice.h"

namespace valley::app {

/// While this lives, nothing that is said on the standard error can end, stop or delay the program:
/// see Voice. What is said goes before what is printed afterwards on the standard output, which
/// waits for its reader as that of any program; that a write failed is for main() to see.
///
/// Closed standard files are opened, for nothing: a file of a run that took their number would get
/// what is meant for a person.
class Streams {
 public:
  Streams();
  ~Streams();
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;

  /// A reader that went away ends a filter such as `valley list | head`, but no command that works
  /// for a while: its writes then fail.
  static void outlive_readers();

 private:
  Voice voice_;
  VoiceDrain drain_;
  std::ostream drained_;
  std::streambuf* former_;
};

}  // namespace valley::app
