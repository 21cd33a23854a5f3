// SPDX-License-Identifier: Apache-2.0
// TCP streams, plain or TLS, whose every wait ends at a deadline; the door that accepts them; names
// to addresses. Sockets are waited for and then read without blocking into memory that all streams
// of a thread share: an idle stream, and one whose peer is slow, holds no buffer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/async.h"
#include "net/tls.h"

namespace inferscope::net {

/// Addresses of `host`, as text; an address is its own answer and asks nobody. Fails with timeout
/// at `deadline` (the system's look-up then ends unheard, in Asio's own thread), not_found if there
/// is no such name.
Task<Result<std::vector<std::string>>> resolve(Executor executor, std::string host,
                                               SteadyTime deadline);

/// One connection. Errors: timeout at the deadline, cancelled after close(), connection_refused,
/// unavailable (the peer reset it), io_error. Thread: confined to its executor.
class Stream {
public:
    explicit Stream(Executor executor);
    ~Stream();
    Stream(Stream&&) noexcept;
    Stream& operator=(Stream&&) noexcept;

    /// Every wait from now on ends then. Cheap: the timer is touched only if it would come too
    /// late.
    void expire_at(SteadyTime deadline);
    static constexpr SteadyTime kNever = SteadyTime::max();
    /// No deadline, and no timer that keeps the io_context busy.
    void rest();

    Task<Result<void>> connect(std::string address, std::uint16_t port);
    /// The handshake. `server_name` is what a client checks the certificate against.
    Task<Result<void>> start_tls(TlsContext context, std::string server_name);

    /// Until receive() would give something, or tell that the peer has closed.
    Task<Result<void>> wait_for_bytes();
    static constexpr std::size_t kReceiveBytes = 64u << 10;
    /// What has arrived, at most `most` bytes and what was kept; empty when the peer has closed.
    /// The bytes are valid until the caller suspends, or anything else of this class is called.
    Task<Result<std::string_view>> receive(std::size_t most = kReceiveBytes);
    /// `rest`, the end of what receive() gave, is of no use without more: it comes again in front
    /// of the next bytes.
    void keep(std::string_view rest);
    /// `rest` belongs to what follows: the next receive() gives it at once.
    void unread(std::string_view rest);
    /// Straight into memory that stays until this returns; 0 when the peer has closed. Nothing may
    /// be kept.
    Task<Result<std::size_t>> receive_into(char* data, std::size_t size);
    /// Sends both. With a `patience`, the deadline moves: so long may a send go without any
    /// progress.
    Task<Result<void>> send(std::string_view head, std::string_view body,
                            Millis patience = Millis::zero());
    /// As much as goes without waiting; what happens to it is not looked at.
    void send_now(std::string_view text);

    [[nodiscard]] bool is_open() const;
    /// Open, and the peer has neither closed nor sent anything unasked.
    [[nodiscard]] bool is_quiet();
    /// The peer has closed, or at least will send nothing more; what it sent before may be unread.
    [[nodiscard]] bool peer_has_closed() const;
    /// The peer's address, without the port; the address that it called.
    [[nodiscard]] std::string remote_address() const;
    [[nodiscard]] std::string local_address() const;
    void close();
    /// Says that nothing more will be sent, so that the peer reads the last answer before the
    /// connection ends.
    void shut_sending();

private:
    friend class Acceptor;
    struct State;
    std::shared_ptr<State>
        state_;  // shared with waits under way, which outlive a stream that is closed
};

/// Thread: confined to its executor.
class Acceptor {
public:
    explicit Acceptor(Executor executor);
    ~Acceptor();
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;

    /// Binds and listens. An empty host: all interfaces, IPv6 and IPv4. Names are looked up,
    /// blocking: call it when the program starts.
    Result<void> listen(const std::string& host, std::uint16_t port);
    [[nodiscard]] std::uint16_t port() const;
    /// The next connection. Fails with cancelled after close(), else with what a later call may not
    /// meet.
    Task<Result<Stream>> accept();
    void close();

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace inferscope::net
