// SPDX-License-Identifier: Apache-2.0
// One engine that tests speak of.
#pragma once

#include "engines/engine_watch.h"

namespace inferscope::engines {

inline EngineFacts facts() {
    EngineFacts engine;
    engine.url = "http://gpu7:8000";
    engine.job = "engines";
    engine.instance = "gpu7:8000";
    engine.runtime = "vLLM";
    engine.worker_id = "1";
    engine.worker_name = "gpu7";
    return engine;
}

inline const EngineKey kKey{"engines", "gpu7:8000"};

}  // namespace inferscope::engines
