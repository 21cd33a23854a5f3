// SPDX-License-Identifier: Apache-2.0
// A process file system in a temporary directory, for tests.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>

namespace inferscope::discovery {

/// A directory that goes with its owner.
class TemporaryDirectory {
public:
    TemporaryDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "inferscope-XXXXXX").string();
        EXPECT_NE(mkdtemp(name.data()), nullptr);
        path_ = name;
    }
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    [[nodiscard]] std::string path(std::string_view name = "") const {
        return name.empty() ? path_ : fmt::format("{}/{}", path_, name);
    }
    void write(std::string_view name, std::string_view text) const {
        const std::filesystem::path file(path(name));
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << text;
    }

private:
    std::string path_;
};

class FakeProc {
public:
    FakeProc() {
        write_sockets();
        directory_.write("self/stat", "");
        put_in_network("self", kOurNetwork);
    }

    [[nodiscard]] std::string path() const { return directory_.path(); }

    /// `address` as the kernel prints it: "00000000" = 0.0.0.0, "0100007F" = 127.0.0.1; 32 digits
    /// for IPv6.
    void listen(std::string_view address, int port, int inode) {
        auto& lines = address.size() == 32 ? tcp6_ : tcp_;
        lines += fmt::format(
            "   0: {}:{:04X} {:0>{}}:0000 0A 00000000:00000000 00:00000000 00000000 {:5} 0 {} 1 0 "
            "100 0 0 10 0\n",
            address, port, 0, address.size(), getuid(), inode);
        write_sockets();
    }
    void close_all() {
        tcp_.clear();
        tcp6_.clear();
        write_sockets();
    }
    void process(int pid, int parent, std::string_view words, std::initializer_list<int> inodes) {
        std::string line(words);
        for (char& c : line) {
            if (c == ' ') c = '\0';
        }
        directory_.write(fmt::format("{}/cmdline", pid), line + '\0');
        directory_.write(fmt::format("{}/stat", pid),
                         fmt::format("{} (a) b) S {} 1 1", pid, parent));
        put_in_network(fmt::format("{}", pid), kOurNetwork);
        std::filesystem::create_directories(directory_.path(fmt::format("{}/fd", pid)));
        int descriptor = 3;
        for (const int inode : inodes) {
            std::filesystem::create_symlink(
                fmt::format("socket:[{}]", inode),
                directory_.path(fmt::format("{}/fd/{}", pid, descriptor++)));
        }
    }
    void end(int pid) const {
        std::filesystem::remove_all(directory_.path(fmt::format("{}", pid)));
    }
    void put_in_container(int pid) const { put_in_network(fmt::format("{}", pid), "net:[2]"); }
    /// As if it were another user's.
    void hide_descriptors(int pid) {
        std::filesystem::remove_all(directory_.path(fmt::format("{}/fd", pid)));
    }

private:
    static constexpr std::string_view kOurNetwork = "net:[1]";

    void put_in_network(std::string_view process, std::string_view network) const {
        const auto folder = directory_.path(fmt::format("{}/ns", process));
        std::filesystem::create_directories(folder);
        std::filesystem::remove(folder + "/net");
        std::filesystem::create_symlink(network, folder + "/net");
    }
    void write_sockets() const {
        static constexpr std::string_view kHeader =
            "  sl  local_address rem_address   st tx_queue ...\n";
        static constexpr std::string_view kEstablished =
            "   9: 0100007F:9476 0100007F:8A07 01 00000000:00000000 00:00000000 00000000 0 0 999 1 "
            "0\n";
        directory_.write("net/tcp", fmt::format("{}{}{}", kHeader, tcp_, kEstablished));
        directory_.write("net/tcp6", fmt::format("{}{}", kHeader, tcp6_));
    }

    TemporaryDirectory directory_;
    std::string tcp_, tcp6_;
};

}  // namespace inferscope::discovery
