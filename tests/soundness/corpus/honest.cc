// Honest certificates: every operator in both profiles, public tensors, epochs, policies, users who look at less.
#include "cases.h"

namespace dsperse::soundness {
namespace {

void accepts(Corpus& out, const std::string& name, const ModelCase& m, const Certificate& c, const Expectation& user) {
  out.accepts(name, proof::encode_model_key(m.key), proof::encode_certificate(c), user);
}

}  // namespace

void add_honest(Corpus& out) {
  for (const proof::Profile profile : {proof::Profile::bits100, proof::Profile::bits128}) {
    const std::string bits = std::to_string(proof::bits(profile));
    const ModelCase all = make_model(operators_model(profile));
    accepts(out, "honest operators " + bits, all, all.certificate, all.user);
    proof::testing::ModelSpec spec = proof::testing::chunk_model();
    spec.profile = profile;
    const ModelCase chunks = make_model(spec);
    accepts(out, "honest chunks and an epoch " + bits, chunks, chunks.certificate, chunks.user);
    spec = proof::testing::tied_model();
    spec.profile = profile;
    const ModelCase tied = make_model(spec);
    accepts(out, "honest weight ties " + bits, tied, tied.certificate, tied.user);
  }
  const ModelCase open = make_model(public_model());
  accepts(out, "honest public tensors", open, open.certificate, open.user);

  proof::testing::ModelSpec known = proof::testing::skip_model();
  known.public_weights = true;
  const ModelCase shown = make_model(known);
  accepts(out, "honest public weights", shown, shown.certificate, shown.user);

  const ModelCase skip = make_model(proof::testing::skip_model());
  accepts(out, "honest skip connection", skip, skip.certificate, skip.user);
  const std::vector<std::set<std::uint32_t>> policies{{}, {0}, {1, 2}, {0, 1, 2}};
  for (std::size_t i = 0; i < policies.size(); ++i) {
    Expectation user = skip.user;
    user.policy = policies[i];
    accepts(out, "honest policy " + std::to_string(i), skip, skip.only(policies[i]), user);
  }
  Expectation any = skip.user;
  any.model_id.reset();
  any.nonce.reset();
  accepts(out, "honest nothing pinned", skip, skip.certificate, any);
  ModelCase silent = make_model(proof::testing::skip_model(), 2);
  silent.certificate.nonce.clear();
  for (proof::SliceProof& s : silent.certificate.slices) s = silent.prove(s.slice);
  silent.user.nonce.reset();
  accepts(out, "honest without a nonce", silent, silent.certificate, silent.user);
  silent.user.nonce = Bytes{};
  accepts(out, "honest without a nonce, as asked", silent, silent.certificate, silent.user);
}

}  // namespace dsperse::soundness
