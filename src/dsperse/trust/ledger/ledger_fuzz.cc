// Any bytes as a checkpoint, a proof, or evidence of a split view: refused, or what encodes to the same bytes again. A proof
// about a known log is accepted exactly if it is the one that its keeper makes.
#include <algorithm>
#include <cstdlib>

#include "dsperse/trust/ledger/entry_proof.h"
#include "dsperse/trust/ledger/testing/memory_log.h"
#include "dsperse/trust/receipt/testing/sample.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsperse;
  using namespace dsperse::trust;
  static testing::MemoryLog log(40);
  const Bytes bytes(data, data + size);
  const testing::AnySignature any;
  const auto require = [](bool holds) {
    if (!holds) std::abort();
  };
  if (const auto proof = decode_inclusion(bytes)) {
    require(encode_inclusion(*proof) == bytes);
    if (proof->size <= log.size())
      require(verify_inclusion(log.leaf(proof->index), *proof, log.root(proof->size)).accepted ==
              (prove_inclusion(log, proof->index, proof->size)->path == proof->path));
    require(!verify_inclusion(Digest{}, *proof, Digest{1}));
  }
  if (const auto proof = decode_consistency(bytes)) {
    require(encode_consistency(*proof) == bytes);
    if (proof->second <= log.size())
      require(verify_consistency(*proof, log.root(proof->first), log.root(proof->second)).accepted ==
              (prove_consistency(log, proof->first, proof->second)->path == proof->path));
  }
  if (const auto proof = decode_entry_proof(bytes)) {
    require(encode_entry_proof(*proof) == bytes);
    Checkpoint out;
    if (verify_entry_proof(*proof, proof->checkpoint.signatures[0].key, any, out)) require(proof->index < out.size);
  }
  if (const auto envelope = decode_envelope(bytes)) {
    Checkpoint out;
    if (verify_checkpoint(*envelope, "example.org/ledger", envelope->signatures[0].key, any, out))
      require(encode_checkpoint(out) == envelope->payload && check_checkpoint(out));
  }
  if (const auto checkpoint = decode_checkpoint(bytes)) require(encode_checkpoint(*checkpoint) == bytes);
  if (const auto evidence = decode_evidence(bytes))
    if (verify_split_view(bytes, evidence->first.signatures[0].key, any))
      require(evidence->first.payload != evidence->second.payload);
  return 0;
}
