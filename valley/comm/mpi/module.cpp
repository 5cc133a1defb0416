// A library of its own, which the program loads for --backend mpi: see valley/comm/mpi_module.h.
#include <mpi.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "valley/comm/mpi_module.h"

namespace {

using Request = valley::MpiModule::Request;
static_assert(sizeof(MPI_Request) <= sizeof(Request));

MPI_Comm all = MPI_COMM_NULL;
bool ours = false;  // MPI was initialised here

Request padded(MPI_Request request) {
  Request result = 0;
  std::memcpy(&result, &request, sizeof(request));
  return result;
}

MPI_Request from(Request request) {
  MPI_Request result;
  std::memcpy(&result, &request, sizeof(result));
  return result;
}

void describe_error(int error, char* text, int capacity) {
  char whole[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  if (MPI_Error_string(error, whole, &length) != MPI_SUCCESS) length = 0;
  std::snprintf(text, static_cast<size_t>(capacity), "%.*s", length, whole);
}

int initialize(valley::MpiModule::World* world) {
  int done = 0, level = 0, length = 0;
  MPI_Initialized(&done);
  const int error = done ? MPI_Query_thread(&level)
                         : MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &level);
  if (error != MPI_SUCCESS) return error;
  ours = !done;
  world->takes_threads = level >= MPI_THREAD_SERIALIZED;
  if (!world->takes_threads) return 0;

  char library[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  MPI_Get_library_version(library, &length);
  std::snprintf(world->library, sizeof(world->library), "%s", library);
  if (const int failed = MPI_Comm_dup(MPI_COMM_WORLD, &all); failed != MPI_SUCCESS) return failed;
  MPI_Comm_set_errhandler(all, MPI_ERRORS_RETURN);
  MPI_Comm_rank(all, &world->rank);
  MPI_Comm_size(all, &world->size);
  int* largest = nullptr;
  int found = 0;
  MPI_Comm_get_attr(all, MPI_TAG_UB, &largest, &found);
  world->largest_tag = found ? *largest : 32767;  // what the standard promises
  return 0;
}

int finalize() { return ours ? MPI_Finalize() : 0; }

int send(const void* data, int bytes, int to, int tag, Request* request) {
  MPI_Request mine;
  const int error = MPI_Isend(data, bytes, MPI_BYTE, to, tag, all, &mine);
  if (error == MPI_SUCCESS) *request = padded(mine);
  return error;
}

int receive(void* data, int bytes, int source, int tag, Request* request) {
  MPI_Request mine;
  const int error = MPI_Irecv(data, bytes, MPI_BYTE, source, tag, all, &mine);
  if (error == MPI_SUCCESS) *request = padded(mine);
  return error;
}

int test(Request* request, bool* done) {
  MPI_Request mine = from(*request);
  int flag = 0;
  const int error = MPI_Test(&mine, &flag, MPI_STATUS_IGNORE);
  *request = padded(mine);
  *done = flag != 0;
  return error;
}

int cancel(Request* request) {
  MPI_Request mine = from(*request);
  return MPI_Cancel(&mine);
}

int free_send(Request* request) {
  MPI_Request mine = from(*request);
  return MPI_Request_free(&mine);
}

int take(void* data, int bytes, int tag, int* source) {
  *source = -1;
  int flag = 0;
  MPI_Status status;
  const int error = MPI_Iprobe(MPI_ANY_SOURCE, tag, all, &flag, &status);
  if (error != MPI_SUCCESS || !flag) return error;
  *source = status.MPI_SOURCE;
  return MPI_Recv(data, bytes, MPI_BYTE, status.MPI_SOURCE, tag, all, MPI_STATUS_IGNORE);
}

}  // namespace

extern "C" {
__attribute__((visibility("default"))) extern const valley::MpiModule valley_mpi_module_1;
const valley::MpiModule valley_mpi_module_1 = {
    &describe_error, &initialize, &finalize, &send, &receive, &test, &cancel, &free_send, &take};
}
