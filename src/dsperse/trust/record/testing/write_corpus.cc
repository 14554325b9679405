// Writes the kept corpora of record_fuzz and statements_fuzz anew, by hand, after a change of a format:
//   build/release/src/dsperse/trust/record/write_record_corpus src/dsperse/trust/record/testdata
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "dsperse/trust/record/testing/builder.h"
#include "dsperse/trust/record/testing/samples.h"

using namespace dsperse;
using namespace dsperse::trust;

namespace {

void write(const std::filesystem::path& path, const Bytes& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

Treatment t(std::string_view text) { return *parse_treatment(text); }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: write_record_corpus src/dsperse/trust/record/testdata\n"), 2;
  const std::filesystem::path root = argv[1], statements = root / "statements", records = root / "records";
  write(statements / "opening.dsse", encode_opening(testing::sample_opening()));
  write(statements / "closing.dsse", encode_closing(testing::sample_closing()));
  write(statements / "draw.dsse", encode_draw(testing::sample_draw()));
  write(statements / "verdict.dsse", encode_verdict_note(testing::sample_verdict()));
  write(statements / "strike.dsse", encode_strike(testing::sample_strike()));
  write(statements / "payout.dsse", encode_payout(testing::sample_payout()));

  testing::RecordBuilder trust(testing::chain_facts(1), {t("trust")}, 1);
  write(records / "trust.dsrec", encode_record(trust.build()));
  testing::RecordBuilder all(testing::chain_facts(4, {false, true, false, false}),
                             {t("replicate(2)+audit(0.5)"), t("proof"), t("audit(1)"), t("audit(0.01)")}, 4);
  all.late = lottery::Late::user_nonce, all.verdicts = 1;
  write(records / "all.dsrec", encode_record(all.build()));
  all.drawn = false;
  write(records / "pending.dsrec", encode_record(all.build()));
  all.drawn = true, all.audit_none = true;
  write(records / "no-audit.dsrec", encode_record(all.build()));
  return 0;
}
