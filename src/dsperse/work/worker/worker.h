// A worker: takes a job, does it, keeps its receipt, delivers; one call after the other, so that whoever drives it (a process
// with heartbeats, a simulator with faults) decides what happens in between.
//
// Receipts are stored in the book before anything of them is sent; a job that the book has is answered from it and not done
// again. Not here: processes and signals (cli/worker), heartbeats. Source: docs/design/0010, R2-R4. Tested by
// work/worker/worker_test.cc and kill_test.cc.
#pragma once

#include <memory>
#include <optional>

#include "dsperse/engine/engine.h"
#include "dsperse/trust/receipt/receipt.h"
#include "dsperse/work/task/computer.h"

namespace dsperse::work {

/// A finished slice task.
struct Done {
  Digest job{};
  trust::Opening opening;
  Bytes receipt;  ///< text of the signed envelope
  OutputBlobs outputs;
  std::optional<Digest> proof;
  friend bool operator==(const Done&, const Done&) = default;
};

/// What a worker remembers, durably: its receipts, as a chain.
class Book {
 public:
  virtual ~Book() = default;
  [[nodiscard]] virtual Result<std::optional<Done>> find(const Digest& job) = 0;
  /// receipt_digest of the newest receipt, or genesis(worker).
  [[nodiscard]] virtual Result<Digest> last() = 0;
  /// Durable when it returns ok. `digest`: the receipt's; `prev`: what it follows. Errors (usage): last() is not `prev`, or the
  /// job is known: another process has this worker's key.
  [[nodiscard]] virtual Status record(const Done& done, const Digest& digest, const Digest& prev) = 0;
};

class Worker {
 public:
  /// secret: 32 bytes that only this worker has; salts follow from it. profile: key is the signer's; its engine goes into
  /// receipts. retry_ms: after that a job that was given up is due again.
  struct Parts {
    engine::Engine& engine;
    engine::Clock& clock;
    const trust::Signer& signer;
    Book& book;
    Computer& computer;
    Digest secret{};
    engine::NodeProfile profile;
    engine::TimeMs beat_ms = 10000, retry_ms = 1000;
  };
  explicit Worker(Parts parts) : parts_(std::move(parts)) {}

  /// Makes the worker known, or says that it is there. Errors: the registry's; usage: the profile is not the signer's, or its
  /// engine is no word of a receipt.
  [[nodiscard]] Status enroll();
  /// A job for this worker, or nothing; nothing, too, while it is suspended. Errors (usage): not enrolled, or excluded.
  [[nodiscard]] Result<std::optional<engine::Lease>> take();
  /// Does it (or finds it in the book): the bytes to deliver. The receipt is in the book when this returns. Errors: usage (the
  /// job is not a task for this worker: malformed, unknown, never proved) and unsupported will be the same next time; all others
  /// may pass.
  [[nodiscard]] Result<Bytes> work(const engine::Lease& lease);
  /// Delivers. Late and repeated deliveries are no errors, nor is a job that was forgotten. Errors (usage): the lease has another
  /// answer.
  [[nodiscard]] Status deliver(const engine::Lease& lease, ByteView answer);
  /// Gives the lease up, with the reason; the job is due again for others after `retry_ms`, or never if that can't help (work()).
  [[nodiscard]] Status give_up(const engine::Lease& lease, const Error& why);
  /// take, work, deliver or give up. False: there was nothing to do. An answer that the engine does not take is in the book.
  [[nodiscard]] Result<bool> step();

 private:
  [[nodiscard]] Result<Done> do_slice(const SliceTask& task, const engine::Lease& lease);
  Parts parts_;
};

/// Salt of a job: nobody without the secret can guess it, the worker always finds it again.
Digest salt_of(const Digest& secret, const Digest& job);

/// The book in SQLite at `path` (0600), of one worker key; must not be copied or restored: a worker that forgets a receipt tells
/// two stories. Errors (bad_input): another worker's, or damaged; unsupported: of a newer format.
[[nodiscard]] Result<std::unique_ptr<Book>> open_book(const std::string& path, const trust::PublicKey& worker);

}  // namespace dsperse::work
