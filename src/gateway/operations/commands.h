/* commands.h - the operation that gives a command; routes give it too. */
#pragma once
#include "gateway/operation.h"

extern const struct operation command_operation;
