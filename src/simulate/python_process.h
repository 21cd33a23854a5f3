// SPDX-License-Identifier: Apache-2.0
// The families that prometheus_client adds to each single-process page: garbage collector,
// platform, process.
#pragma once

#include "simulate/page_writer.h"
#include "simulate/pages.h"

namespace inferscope::simulate {

/// `minor`, `patch`: of the Python 3 that is played.
void write_python_process(PageWriter& page, const PageState& state, std::string_view minor,
                          std::string_view patch);

}  // namespace inferscope::simulate
