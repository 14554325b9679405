#include "dsperse/trust/ledger/entry_proof.h"

namespace dsperse::trust {
namespace {

constexpr std::size_t kMaxPath = 48;
constexpr std::size_t kMaxText = kMaxEnvelopeBytes / 3 * 4 + kMaxEnvelopeBytes + kMaxPath * 80 + 4096;

}  // namespace

Bytes encode_entry_proof(const EntryProof& proof) {
  CanonicalWriter out;
  out.literal(R"({"v":1,"entry":)").base64(proof.entry).literal(R"(,"index":)").number(proof.index).literal(R"(,"path":[)");
  for (std::size_t i = 0; i < proof.path.size(); ++i) out.literal(i == 0 ? "" : ",").digest(proof.path[i]);
  out.literal(R"(],"checkpoint":)");
  write_envelope(out, proof.checkpoint);
  out.literal("}");
  return out.take();
}

Result<EntryProof> decode_entry_proof(ByteView text) {
  if (text.size() > kMaxText)
    return fail(ErrorKind::bad_input, "an entry's proof of " + std::to_string(text.size()) + " bytes", "proof",
                "at most " + std::to_string(kMaxText));
  CanonicalReader in(text);
  EntryProof out;
  in.literal(R"({"v":1,"entry":)");
  out.entry = in.base64(kMaxEnvelopeBytes);
  in.literal(R"(,"index":)");
  out.index = in.number();
  in.literal(R"(,"path":[)");
  if (!in.take_if("]")) {
    do {
      out.path.push_back(in.digest());
      if (out.path.size() > kMaxPath) in.set_bad();
    } while (in.ok() && in.take_if(","));
    in.literal("]");
  }
  in.literal(R"(,"checkpoint":)");
  if (in.ok()) out.checkpoint = read_envelope(in);
  in.literal("}");
  if (!in.finished())
    return fail(ErrorKind::bad_input, "not a canonical proof of an entry", in.where(), "docs/formats/ledger.md");
  return out;
}

Verdict verify_entry_proof(const EntryProof& proof, const PublicKey& keeper, const SignatureCheck& check, Checkpoint& out) {
  // Of whatever log: its name is inside.
  const auto claimed = decode_checkpoint(proof.checkpoint.payload);
  if (!claimed) return Verdict::reject("checkpoint: not canonical", "checkpoint > " + claimed.error().text());
  Checkpoint found;
  if (Verdict v = verify_checkpoint(proof.checkpoint, claimed->origin, keeper, check, found); !v)
    return within(std::move(v), "checkpoint");
  if (Verdict v = verify_entry(proof.entry, {proof.index, found.size, proof.path}, found); !v) return v;
  out = std::move(found);
  return Verdict::accept();
}

}  // namespace dsperse::trust
