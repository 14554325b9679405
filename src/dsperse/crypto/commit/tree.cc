#include "dsperse/crypto/commit/tree.h"

#include <set>

#include "dsperse/crypto/hash/hash.h"
namespace dsperse::crypto {
Digest leaf_hash_tmp(const Digest& salt, std::span<const Fp> col);
Digest node_hash_tmp(const Digest& a, const Digest& b);
struct Tree::Impl {
  Code code;
  std::size_t rows;
  std::vector<Fp> cols;
  std::vector<Digest> salts;
  std::vector<std::vector<Digest>> levels;
};
Tree::Tree(std::unique_ptr<Impl> i) : impl_(std::move(i)) {}
Tree::Tree(Tree&&) noexcept = default;
Tree& Tree::operator=(Tree&&) noexcept = default;
Tree::~Tree() = default;
static void ntt(std::vector<Fp>& a, unsigned log_n) {
  const std::size_t n = a.size();
  for (std::size_t i = 1, j = 0; i < n; ++i) {
    std::size_t bit = n >> 1;
    for (; (j & bit) != 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(a[i], a[j]);
  }
  for (unsigned s = 1; s <= log_n; ++s) {
    const std::size_t m = std::size_t{1} << s;
    const Fp wm = root_of_unity(s);
    for (std::size_t k = 0; k < n; k += m) {
      Fp w(1);
      for (std::size_t j = 0; j < m / 2; ++j) {
        const Fp t = w * a[k + j + m / 2], u = a[k + j];
        a[k + j] = u + t;
        a[k + j + m / 2] = u - t;
        w *= wm;
      }
    }
  }
}
Tree Tree::commit(const Code& code, std::size_t rows, const std::function<void(std::size_t, std::span<Fp>)>& fill,
                  const Digest& salt_seed) {
  auto p = std::make_unique<Impl>();
  p->code = code;
  p->rows = rows;
  const std::size_t n = code.n();
  p->cols.resize(n * rows);
  for (std::size_t i = 0; i < rows; ++i) {
    std::vector<Fp> a(n);
    fill(i, std::span<Fp>(a).first(code.k()));
    Fp s(1);
    for (std::size_t j = 0; j < code.k(); ++j) {
      a[j] *= s;
      s *= Fp(kGenerator);
    }
    ntt(a, code.log_n);
    for (std::size_t j = 0; j < n; ++j) p->cols[j * rows + i] = a[j];
  }
  SeedStream s(salt_seed, "salts");
  p->salts.resize(n);
  for (auto& x : p->salts) s.fill(std::span<std::uint8_t>(x));
  std::vector<Digest> level(n);
  for (std::size_t j = 0; j < n; ++j) level[j] = leaf_hash_tmp(p->salts[j], {p->cols.data() + j * rows, rows});
  p->levels.push_back(level);
  while (level.size() > 1) {
    std::vector<Digest> up;
    for (std::size_t i = 0; i < level.size(); i += 2) up.push_back(node_hash_tmp(level[i], level[i + 1]));
    level = up;
    p->levels.push_back(level);
  }
  return Tree(std::move(p));
}
const Digest& Tree::root() const { return impl_->levels.back()[0]; }
const Code& Tree::code() const { return impl_->code; }
std::size_t Tree::rows() const { return impl_->rows; }
Opening Tree::open(std::span<const std::uint32_t> idx) const {
  Opening o;
  o.rows = impl_->rows;
  std::set<std::uint32_t> known;
  for (auto i : idx) {
    known.insert(i);
    o.columns.insert(o.columns.end(), impl_->cols.begin() + static_cast<std::ptrdiff_t>(i * o.rows),
                     impl_->cols.begin() + static_cast<std::ptrdiff_t>((i + 1) * o.rows));
    o.salts.push_back(impl_->salts[i]);
  }
  for (std::size_t l = 0; l + 1 < impl_->levels.size(); ++l) {
    std::set<std::uint32_t> up;
    for (auto i : known) {
      if (!known.contains(i ^ 1)) o.path.push_back(impl_->levels[l][i ^ 1]);
      up.insert(i >> 1);
    }
    known = up;
  }
  return o;
}
std::size_t Tree::memory_bytes() const { return impl_->cols.size() * 8; }
}  // namespace dsperse::crypto
