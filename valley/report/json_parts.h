#pragma once

#include "valley/record/json_file.h"

namespace valley {

/// The member `key`; null where `object` is none or has no such member.
const Json* find_part(const Json& object, const char* key);

/// The same as a value: null where there is none.
const Json& part(const Json& object, const char* key);

}  // namespace valley
