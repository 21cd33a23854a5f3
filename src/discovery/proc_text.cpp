// SPDX-License-Identifier: Apache-2.0
#include "discovery/proc_text.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace inferscope::discovery {

std::vector<std::string_view> proc_words(std::string_view line) {
    std::vector<std::string_view> words;
    while (true) {
        const auto start = line.find_first_not_of(' ');
        if (start == std::string_view::npos) return words;
        line.remove_prefix(start);
        const auto end = std::min(line.find(' '), line.size());
        words.push_back(line.substr(0, end));
        line.remove_prefix(end);
    }
}

std::string read_proc_file(const std::string& path, std::size_t limit,
                           const std::function<bool(std::string_view)>& enough) {
    static constexpr std::size_t kPiece = 4096;
    std::string text;
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return text;
    while (text.size() < limit && !(enough && enough(text))) {
        const std::size_t before = text.size();
        text.resize(std::min(limit, before + kPiece));
        const auto count = read(descriptor, text.data() + before, text.size() - before);
        text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(0, count)));
        if (count <= 0) break;
    }
    close(descriptor);
    return text;
}

}  // namespace inferscope::discovery
