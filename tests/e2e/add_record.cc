// add_record CERTIFICATE KEY TREATMENT OUT [pending]: the certificate with a record by made-up workers for its slices without
// proof, all under this treatment; OUT.seal is the seal. Prints the coordinator's key and the late nonce. A tool of
// tests/e2e/record_test.py.
#include <cstdio>
#include <string>

#include "dsperse/pipeline/holding.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/model_folder.h"
#include "dsperse/trust/record/testing/builder.h"

int main(int argc, char** argv) {
  using namespace dsperse;
  if (argc < 5) return 2;
  const auto key = store::read_key(argv[2]);
  const auto bytes = store::read_file(argv[1], 1U << 30);
  const auto treatment = trust::parse_treatment(argv[3]);
  if (!key || !bytes || !treatment) return 3;
  auto certificate = proof::decode_certificate(*key, *bytes);
  if (!certificate) return 3;
  std::set<std::uint32_t> proved;
  for (const proof::SliceProof& s : certificate->slices) proved.insert(s.slice);
  std::vector<trust::Treatment> treatments(key->slices.size(), *treatment);
  for (const std::uint32_t i : proved) treatments[i] = {.proof = true};
  trust::testing::RecordBuilder builder(pipeline::record_facts(*key, *certificate, proved), treatments);
  builder.late = trust::lottery::Late::user_nonce;
  builder.drawn = argc == 5;
  const trust::RunRecord record = builder.build();
  certificate->record = trust::encode_record(record);
  const std::string out = argv[4];
  if (!store::write_file(out, proof::encode_certificate(*certificate), store::Access::shared)) return 5;
  if (!store::write_file(out + ".seal", trust::encode_envelope(record.seal), store::Access::shared)) return 5;
  std::printf("%s\n%s\n", to_hex(record.keeper).c_str(), to_hex(builder.late_part).c_str());
  return 0;
}
