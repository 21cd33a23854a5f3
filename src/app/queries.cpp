// SPDX-License-Identifier: Apache-2.0
#include "app/queries.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "base/text.h"

namespace inferscope::app {
namespace {

Result<Millis> read_duration(std::string_view flag, const std::string& text) {
    const auto millis = parse_duration_millis(text);
    if (millis && *millis > 0) return Millis(*millis);
    return Error{Errc::invalid_argument,
                 fmt::format("{}: '{}' is no duration like 2m", flag, quote_for_message(text))};
}

void enable_features(promql::Language& language, std::string_view list) {
    while (!list.empty()) {
        const auto name = list.substr(0, list.find(','));
        if (!name.empty() && !language.enable(name))
            log::warning("--enable-feature: '{}' is not known here, and has no effect",
                         quote_for_message(name));
        list.remove_prefix(std::min(name.size() + 1, list.size()));
    }
}

/// What the threads that share one loop have in common. A helper that comes late finds nothing to
/// do, and doesn't touch `work`, which the caller may have taken back by then.
struct Loop {
    Loop(std::size_t of, const std::function<void(std::size_t)>& to_do) : count(of), work(&to_do) {}

    void take_part() {
        std::size_t done_here = 0;
        for (auto i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
            (*work)(i);
            ++done_here;
        }
        if (done_here == 0) return;
        const std::scoped_lock lock(mutex);
        done += done_here;
        if (done == count) all_done.notify_all();
    }

    void wait() {
        std::unique_lock lock(mutex);
        all_done.wait(lock, [this] { return done == count; });
    }

    const std::size_t count;
    const std::function<void(std::size_t)>* const work;
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::condition_variable all_done;
    std::size_t done = 0;
};

}  // namespace

void parallel_for(const net::Executor& pool, std::size_t helpers, std::size_t count,
                  const std::function<void(std::size_t)>& work) {
    if (count == 0) return;
    const auto loop = std::make_shared<Loop>(count, work);
    for (std::size_t i = 0; i < std::min(helpers, count - 1); ++i)
        boost::asio::post(pool, [loop] { loop->take_part(); });
    loop->take_part();
    loop->wait();
}

Result<promql::EngineOptions> engine_options(const QueryFlags& flags, Millis default_step) {
    promql::EngineOptions options;
    if (flags.compat != "2" && flags.compat != "3") {
        return Error{Errc::invalid_argument, fmt::format("--promql.compat: '{}' is neither 2 nor 3",
                                                         quote_for_message(flags.compat))};
    }
    options.language = promql::Language(flags.compat == "2" ? promql::Dialect::prometheus2
                                                            : promql::Dialect::prometheus3);
    enable_features(options.language, flags.features);
    const auto timeout = read_duration("--query.timeout", flags.timeout);
    if (!timeout) return timeout.error();
    const auto lookback = read_duration("--query.lookback-delta", flags.lookback_delta);
    if (!lookback) return lookback.error();
    if (flags.max_concurrency == 0 || flags.max_samples == 0) {
        return Error{Errc::invalid_argument,
                     "--query.max-concurrency and --query.max-samples must be at least 1"};
    }
    options.timeout = *timeout;
    options.lookback = *lookback;
    options.max_samples = flags.max_samples;
    options.max_concurrency = flags.max_concurrency;
    options.default_step = default_step;
    return options;
}

Queries::Queries(const Queryable& stored, promql::EngineOptions options, std::size_t threads)
    : threads_(threads), engine_(stored, [&] {
          options.parallel = [pool = net::Executor(threads_.get_executor()), threads](
                                 std::size_t count, const std::function<void(std::size_t)>& work) {
              parallel_for(pool, threads - 1, count, work);
          };
          return std::move(options);
      }()) {}

}  // namespace inferscope::app
