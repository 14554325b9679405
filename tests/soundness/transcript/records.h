// A transcript as data: every record that prover and verifier absorb or draw, so that it can be replayed with one of them
// changed.
//
// Records are put together from key, statement and proof bytes, not taken from inside prover or verifier; that they are the right
// ones shows in the challenges, which must be the prover's, and in the drawn columns, which must be the opened ones.
// Source: docs/protocol/transcript.md. Used by the tests of this folder.
#pragma once

#include <string>
#include <vector>

#include "dsperse/proof/argument.h"

namespace dsperse::soundness {

/// kind "E2", "E3", "columns" (data: n and count), "head", "root", "nonce" (a proof of work: its draw of a seed, then the nonce).
struct Record {
  bool draw = false;
  std::string label, kind;
  Bytes data;
  std::uint8_t work = 0;  ///< bits, of a nonce
  std::size_t at = 0;     ///< first byte of the data in the proof; 0 where they are from elsewhere
  friend bool operator==(const Record&, const Record&) = default;
};
using Records = std::vector<Record>;

/// Absorbs or draws. What was drawn: limbs or columns, as little-endian words; empty for an absorb.
Bytes apply(crypto::Transcript& transcript, const Record& record);
/// What the draws of a proof's transcript give, in order.
std::vector<Bytes> replay(const Records& records);

/// Head, then roots of all trees as the transcript takes them: rows, c, r, log n, t, root.
Records opening_records(const proof::Layout& layout, const proof::Head& head, const std::vector<std::vector<Digest>>& roots,
                        const Digest& end_root);
/// All records of a whole proof of this layout. log: the annotated messages of a party, which give labels and order.
Records records_of(const proof::Layout& layout, const proof::Head& head, const std::vector<std::vector<Digest>>& given_roots,
                   ByteView proof, const std::vector<std::string>& log);

/// What of a record one lie can change on its own: fields of statements, links and roots, limbs of elements.
struct Part {
  std::string id;  ///< "statement run id", "root boundary 0", "fraction", ...
  std::size_t begin = 0, end = 0;
};
std::vector<Part> parts_of(const Record& record);

}  // namespace dsperse::soundness
