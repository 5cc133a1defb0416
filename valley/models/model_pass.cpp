#include "valley/models/model_pass.h"

#include <c10/util/Exception.h>

#include "valley/core/error.h"
#include "valley/core/foreign_message.h"

namespace valley {

void rethrow_as_model_error() {
  try {
    throw;
  } catch (const CommError&) {
    throw;
  } catch (const IoError&) {
    throw;
  } catch (const Diverged&) {
    throw;
  } catch (const ModelError&) {
    throw;
  } catch (const c10::Error& error) {
    throw ModelError(one_line(error.what_without_backtrace()));
  } catch (const std::exception& error) {
    throw ModelError(one_line(marked_text(error)));
  } catch (...) {
    throw ModelError("it threw something that is no std::exception");
  }
}

}  // namespace valley
