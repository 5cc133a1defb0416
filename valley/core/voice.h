#pragma once

#include <memory>
#include <streambuf>
#include <string>

namespace valley {

/// What a program tells a person: the buffer of a stream onto a file descriptor that never waits
/// for whoever reads it, and never fails. A thread of its own writes; a reader that stopped
/// reading, a closed pipe, a terminal that went away or a full disk cost what was said, and nothing
/// else.
///
///     valley::Voice voice(STDERR_FILENO);
///     std::cerr.rdbuf(&voice);
///
/// What is said between two flushes is one piece, written by one call, so that processes that share
/// the descriptor do not mix their lines. Of what nobody takes the newest `room` bytes are kept.
/// Any thread may speak. A write to a closed pipe raises no signal, and one to the terminal from
/// the background does not stop the process.
class Voice : public std::streambuf {
 public:
  explicit Voice(int file, size_t room = size_t{1} << 18);

  /// drain(kPatience); what is not written then is lost.
  ~Voice() override;

  Voice(const Voice&) = delete;
  Voice& operator=(const Voice&) = delete;

  static constexpr double kPatience = 1;  ///< seconds

  /// Waits until all is written, but gives up when for `patience` seconds nobody took a byte; from
  /// then on at once, until somebody does. Returns whether all is written.
  bool drain(double patience = kPatience);

 protected:
  int_type overflow(int_type character) override;
  std::streamsize xsputn(const char* text, std::streamsize size) override;
  int sync() override;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  // with the thread, which may outlive this in a write
};

/// Flushing it drains a Voice. Tied to the standard output, a stream on this keeps what is said
/// before what is printed.
class VoiceDrain : public std::streambuf {
 public:
  explicit VoiceDrain(Voice& voice) : voice_(voice) {}

 protected:
  int sync() override {
    voice_.drain();
    return 0;
  }

 private:
  Voice& voice_;
};

}  // namespace valley
