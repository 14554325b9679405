// Receipts, evidence, checkpoints, proofs of the ledger, tasks and answers allocate at most what docs/formats/limits.md declares,
// whatever the bytes: real ones overwritten at every place, and the largest that are taken.
#include <gtest/gtest.h>

#include "counting.h"
#include "dsperse/trust/ledger/entry_proof.h"
#include "dsperse/trust/record/testing/builder.h"
#include "dsperse/trust/record/testing/samples.h"
#include "dsperse/work/task/testing/sample.h"

namespace dsperse::hostile {
namespace {

using namespace dsperse::trust;
using trust::testing::AnySignature;
using trust::testing::sample_receipt;

/// Declared: peak <= 8 n + 4 KiB. All readers of the trust rooms, whatever the bytes are.
void read_all(ByteView bytes) {
  const AnySignature any;
  Receipt receipt;
  Checkpoint checkpoint;
  PublicKey worker{};
  const Usage used = measure([&] {
    (void)verify_receipt(bytes, any, receipt);
    (void)verify_equivocation(bytes, any, worker);
    (void)verify_checkpoint(bytes, "example.org/ledger", worker, any, checkpoint);
    (void)verify_split_view(bytes, worker, any);
    (void)decode_receipt(bytes);
    (void)decode_checkpoint(bytes);
    (void)decode_inclusion(bytes);
    (void)decode_consistency(bytes);
    (void)decode_entry_proof(bytes);
    (void)decode_record(bytes);
    (void)decode_opening(bytes);
    (void)decode_closing(bytes);
    (void)decode_draw(bytes);
    (void)decode_verdict_note(bytes);
    (void)decode_strike(bytes);
    (void)decode_payout(bytes);
    (void)work::decode_task(bytes);
    (void)work::decode_answer(bytes);
  });
  EXPECT_FALSE(used.refused);
  EXPECT_LE(used.peak, 8 * bytes.size() + 4096) << bytes.size() << " bytes";
}

Envelope sealed(std::string_view type, Bytes payload, std::uint8_t signer) {
  return {std::string(type), std::move(payload), {{PublicKey{signer}, Signature{}}}};
}

/// The receipt that needs most memory for its text.
Receipt largest() {
  Receipt r = sample_receipt(PublicKey{1}, Digest{});
  r.roots_in.clear(), r.roots_out.clear();
  for (std::uint32_t i = 0; i < kMaxReceiptRoots; ++i) {
    r.roots_in.push_back({i, Digest{}});
    r.roots_out.push_back({i + static_cast<std::uint32_t>(kMaxReceiptRoots), Digest{}});
  }
  return r;
}

RunRecord small_record() {
  trust::testing::RecordBuilder b(trust::testing::chain_facts(2), {*parse_treatment("audit(1)"), *parse_treatment("trust")}, 2);
  b.verdicts = 1;
  return b.build();
}

TEST(TrustAllocation, EveryPlaceOverwritten) {
  const Envelope a = sealed(kReceiptType, encode_receipt(sample_receipt(PublicKey{1}, Digest{}, 0)), 1);
  const Envelope b = sealed(kReceiptType, encode_receipt(sample_receipt(PublicKey{1}, Digest{}, 1)), 1);
  InclusionProof in{5, 13, std::vector<Digest>(inclusion_length(5, 13))};
  ConsistencyProof con{5, 13, std::vector<Digest>(consistency_length(5, 13))};
  const std::vector<Bytes> real = {encode_envelope(a),
                                   a.payload,
                                   encode_evidence(make_evidence(kEquivocation, a, b)),
                                   encode_envelope(sealed(kCheckpointType, encode_checkpoint({"o", 3, Digest{}, 1}), 0)),
                                   encode_opening(trust::testing::sample_opening()),
                                   encode_draw(trust::testing::sample_draw()),
                                   encode_record(small_record()),
                                   encode_inclusion(in),
                                   encode_consistency(con),
                                   work::encode_task(work::testing::sample_task(true)),
                                   work::encode_answer(work::testing::sample_proved())};
  for (const Bytes& text : real) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      for (const std::uint8_t byte : Bytes{0, '"', '[', '9', 0xff}) {
        Bytes wrong = text;
        wrong[i] = byte;
        read_all(wrong);
      }
      read_all(ByteView(text).first(i));
    }
  }
}

TEST(TrustAllocation, LargestThatAreTaken) {
  const Envelope a = sealed(kReceiptType, encode_receipt(largest()), 1);
  Receipt other = largest();
  ++other.finished_ms;
  const Envelope b = sealed(kReceiptType, encode_receipt(other), 1);
  const Bytes text = encode_evidence(make_evidence(kEquivocation, a, b));
  PublicKey worker{};
  EXPECT_TRUE(verify_equivocation(text, AnySignature(), worker));
  read_all(text);
  read_all(encode_envelope(a));
  read_all(a.payload);
  read_all(encode_envelope(sealed("t", Bytes(kMaxPayloadBytes, 7), 1)));
  read_all(Bytes(kMaxEvidenceBytes + 1, '['));
  work::SliceTask task = work::testing::sample_task();
  task.inputs.clear(), task.outputs.clear(), task.live.clear(), task.ended.clear();
  for (std::uint32_t i = 0; i < work::kMaxPorts; ++i) {
    task.inputs.push_back({i, Digest{}, std::nullopt});
    task.live.push_back({i, Digest{}});
    task.outputs.push_back({i + static_cast<std::uint32_t>(work::kMaxPorts), std::nullopt});
    task.ended.push_back(i);
  }
  EXPECT_TRUE(work::decode_task(work::encode_task(task)));
  read_all(work::encode_task(task));
}

}  // namespace
}  // namespace dsperse::hostile
