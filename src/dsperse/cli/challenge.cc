#include "dsperse/cli/challenge.h"

#include "dsperse/store/disk/file.h"

namespace dsperse::cli {

Result<Digest> parse_challenge(const std::string& hex) {
  Bytes nonce;
  if (!from_hex(hex, nonce)) return fail(ErrorKind::usage, "--challenge is not hexadecimal");
  return pipeline::challenge_nonce(nonce);
}

void ChallengeFlags::add(CLI::App& app) {
  auto* challenge = app.add_option(
      "--challenge", nonce,
      "the nonce that you gave after the roots were published, in hexadecimal: the slices that it draws must be proved");
  auto* file = app.add_option("--published", published, "your copy of published.json, from before the nonce");
  auto* digest = app.add_option("--bound", bound, "instead of the file: its digest (64 hexadecimal digits)");
  auto* count = app.add_option("--draw", draw, "with --bound: how many slices are drawn");
  challenge->each([this](const std::string&) { given = true; });
  for (auto* option : {file, digest, count}) option->needs(challenge);
  digest->needs(count)->excludes(file);
  count->needs(digest);
}

Result<std::optional<pipeline::ChallengeQuestion>> ChallengeFlags::question() const {
  if (!given) return std::nullopt;
  pipeline::ChallengeQuestion out;
  DSPERSE_TRY(out.nonce, parse_challenge(nonce));
  if (!bound.empty()) {
    DSPERSE_TRY(out.bound, parse_digest(bound, "--bound"));
    out.draw = draw;
    return out;
  }
  if (published.empty())
    return fail(ErrorKind::usage, "--challenge needs what was published before it", {},
                "give your copy of published.json with --published, or --bound and --draw");
  DSPERSE_TRY(const Bytes bytes, store::read_file(published, pipeline::kMaxPublishedBytes));
  const auto file = pipeline::decode_published(bytes);
  if (!file) return std::unexpected(file.error().within(published));
  out.bound = file->bound();
  out.draw = file->draw;
  return out;
}

std::string slices_text(const std::vector<std::uint32_t>& slices) {
  if (slices.empty()) return "no slice";
  std::string out = slices.size() == 1 ? "slice " : "slices ";
  for (std::size_t i = 0; i < slices.size(); ++i) out += (i == 0 ? "" : ", ") + std::to_string(slices[i]);
  return out;
}

void show_challenge(Context& context, const pipeline::ChallengeReport& report, std::size_t slices) {
  const std::vector<std::uint32_t> drawn(report.drawn.begin(), report.drawn.end());
  context.say("challenge: the nonce draws {} of {}, proved; if it was chosen after the roots were published,", slices_text(drawn),
              slices);
  Json escapes = Json::array();
  for (const pipeline::Escape& e : report.escapes) {
    context.say("  a prover with {} wrong slice{} had a chance of {:.1f} % to escape it", e.wrong, e.wrong == 1 ? "" : "s",
                100 * e.probability);
    escapes.push_back({{"wrong", e.wrong}, {"probability", e.probability}});
  }
  context.document["challenge"] = {
      {"bound", to_hex(report.question.bound)}, {"draw", report.question.draw}, {"drawn", drawn}, {"escapes", escapes}};
}

}  // namespace dsperse::cli
