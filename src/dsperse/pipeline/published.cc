#include "dsperse/pipeline/published.h"

#include "dsperse/store/disk/file.h"
#include "dsperse/trust/lottery/challenge.h"
#include "dsperse/trust/receipt/canonical.h"
#include "dsperse/trust/verdict/boundaries.h"

namespace dsperse::pipeline {
namespace {

constexpr std::size_t kMaxNonce = 64;

std::unexpected<Error> bad(const std::string& what) {
  return fail(ErrorKind::bad_input, "published: " + what, {},
              "use the published.json that `dsperse run` wrote, as it was written");
}

std::uint32_t small(trust::CanonicalReader& in) {
  const std::uint64_t n = in.number();
  if (n > trust::lottery::kMaxSlices) in.set_bad();
  return static_cast<std::uint32_t>(n);
}

}  // namespace

Digest Published::bound() const { return trust::lottery::bind_roots(run_id(), slices, roots); }

Digest bound_of(const Digest& run_id, std::uint32_t slices, std::span<const proof::Boundary> table) {
  return trust::lottery::bind_roots(run_id, slices, trust::boundary_digests(table));
}

Bytes encode_published(const Published& p) {
  trust::CanonicalWriter w;
  w.literal(R"({"format":"dsperse-published","version":1,"model_id":)").digest(p.model_id);
  w.literal(",\"run_id\":").digest(p.run_id()).literal(",\"nonce\":").word(to_hex(p.nonce)).literal(",\"salt\":").digest(p.salt);
  w.literal(",\"slices\":").number(p.slices).literal(",\"draw\":").number(p.draw).literal(",\"bound\":").digest(p.bound());
  w.literal(",\"roots\":[");
  for (std::size_t i = 0; i < p.roots.size(); ++i) w.literal(i == 0 ? "" : ",").digest(p.roots[i]);
  return w.literal("]}\n").take();
}

std::string published_path(const std::string& folder) { return store::join(folder, "published.json"); }

Status write_published(const std::string& folder, const Published& published) {
  return store::write_file(published_path(folder), encode_published(published), store::Access::shared);
}

Result<Published> decode_published(ByteView bytes) {
  if (bytes.size() > kMaxPublishedBytes) return bad("longer than 32 MiB");
  trust::CanonicalReader in(bytes);
  Published out;
  in.literal(R"({"format":"dsperse-published","version":1,"model_id":)");
  out.model_id = in.digest();
  in.literal(",\"run_id\":");
  const Digest run_id = in.digest();
  in.literal(",\"nonce\":");
  const std::string nonce = in.word(2 * kMaxNonce);
  if (!from_hex(nonce, out.nonce) || to_hex(out.nonce) != nonce) in.set_bad();
  in.literal(",\"salt\":");
  out.salt = in.digest();
  in.literal(",\"slices\":");
  out.slices = small(in);
  in.literal(",\"draw\":");
  out.draw = small(in);
  in.literal(",\"bound\":");
  const Digest bound = in.digest();
  in.literal(",\"roots\":[");
  while (in.ok() && !in.take_if("]}\n")) {
    if (!out.roots.empty()) in.literal(",");
    out.roots.push_back(in.digest());
  }
  if (!in.finished()) return bad("not written by `dsperse run`, or changed (" + in.where() + ")");
  if (out.slices == 0 || out.draw > out.slices) return bad("more slices would be drawn than there are");
  if (run_id != out.run_id() || bound != out.bound()) return bad("run id or bound do not follow from the roots");
  return out;
}

Result<Published> read_published(const std::string& folder) {
  const std::string path = published_path(folder);
  DSPERSE_TRY(const Bytes bytes, store::read_file(path, kMaxPublishedBytes));
  auto published = decode_published(bytes);
  if (!published) return std::unexpected(published.error().within(path));
  return published;
}

}  // namespace dsperse::pipeline
