#pragma once

#include <cstdint>

namespace valley {

/// What the backend `mpi` needs of MPI, as plain functions. libmpi is loaded when somebody asks for
/// it, and not before; its types and constants are known to the module alone that is compiled
/// against it (mpi/module.cpp) and that has this table under the name kMpiModule.
///
/// None of them waits for another worker but initialize() and finalize(). One thread at a time may
/// call them (MPI_THREAD_SERIALIZED), whichever. Ranks are those of MPI_COMM_WORLD; messages are
/// those of a duplicate of it, so that others may use MPI in the same process.
struct MpiModule {
  using Request = uint64_t;  ///< holds an MPI_Request

  struct World {
    int rank = 0;
    int size = 0;
    int largest_tag = 0;
    bool takes_threads = false;  ///< if not, somebody else has initialised MPI; the rest is not set
    char library[256] = {};      ///< "Open MPI v4.1.4, package: ..."
  };

  /// All return 0 or an error of MPI, which this describes.
  void (*describe_error)(int error, char* text, int capacity);

  /// Initialises MPI, unless that has been done.
  int (*initialize)(World* world);
  /// If initialize() has.
  int (*finalize)();

  int (*send)(const void* data, int bytes, int to, int tag, Request* request);
  int (*receive)(void* data, int bytes, int from, int tag, Request* request);
  /// Whether it has come through. Moves on what is under way, of all requests.
  int (*test)(Request* request, bool* done);
  /// A receive that nobody waits for any more; done: its memory is not written to any more.
  int (*cancel)(Request* request);
  /// Forgets a send, which goes on.
  int (*free_send)(Request* request);
  /// Takes a message of that tag and at most so many bytes, from whomever; from: -1 if there is
  /// none.
  int (*take)(void* data, int bytes, int tag, int* from);
};

inline constexpr char kMpiModule[] = "valley_mpi_module_1";

}  // namespace valley
