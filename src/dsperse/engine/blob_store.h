// Bytes by their digest: what is too large for a job, kept once and checked whenever it is read.
//
// The digest is plain BLAKE3 of the bytes (crypto/hash), so that b3sum can check a store. Not here: who still needs a blob.
// Source: docs/engine.md. Tested by engine/testing/blobs_suite.cc for every engine.
#pragma once

#include "dsperse/base/bytes.h"
#include "dsperse/base/result.h"

namespace dsperse::engine {

class BlobStore {
 public:
  virtual ~BlobStore() = default;

  /// Durable when it returns ok; idempotent, and mends a damaged blob. Errors: resource (larger than limit_bytes(), disk full).
  [[nodiscard]] virtual Result<Digest> put(ByteView bytes) = 0;
  /// The bytes, or an error (bad_input) that says "missing" or "damaged"; resource if larger than `limit`.
  [[nodiscard]] virtual Result<Bytes> get(const Digest& digest, std::uint64_t limit) = 0;
  /// Something is there under this digest; only get() says whether it is whole.
  [[nodiscard]] virtual Result<bool> has(const Digest& digest) = 0;
  /// False if it was not there.
  [[nodiscard]] virtual Result<bool> remove(const Digest& digest) = 0;
  /// Largest blob that put() takes.
  [[nodiscard]] virtual std::uint64_t limit_bytes() const = 0;
};

}  // namespace dsperse::engine
