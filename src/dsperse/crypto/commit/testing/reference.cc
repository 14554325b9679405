#include "dsperse/crypto/commit/testing/reference.h"

#include <cstring>
#include <set>

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::crypto::testing {
namespace {

Digest key_of(std::string_view name) { return hash({reinterpret_cast<const std::uint8_t*>(name.data()), name.size()}); }

}  // namespace

std::vector<TableauRow> tableau(const Code& code, std::span<const std::vector<Fp>> rows) {
  std::vector<TableauRow> out;
  for (const std::vector<Fp>& row : rows) out.push_back({Symbols(row.data()), row.data() + code.kd()});
  return out;
}

std::vector<Fp> reference_column(const Code& code, std::span<const std::vector<Fp>> rows, std::size_t j) {
  const Fp x = column_point(code, j);
  std::vector<Fp> column;
  for (const std::vector<Fp>& row : rows) {
    Fp sum, power_of_x(1);
    for (const Fp coefficient : row) {
      sum += coefficient * power_of_x;
      power_of_x *= x;
    }
    column.push_back(sum);
  }
  return column;
}

Digest reference_salt(const Digest& salt_seed, std::size_t j) {
  Digest salt;
  SeedStream stream(salt_seed, "salts");
  for (std::size_t i = 0; i <= j; ++i) stream.fill(salt);
  return salt;
}

Digest reference_leaf(const Digest& salt, std::span<const Fp> column) {
  ByteWriter w;
  w.raw(salt);
  w.u64(column.size());
  for (int i = 0; i < 3; ++i) w.u64(0);
  for (const Fp x : column) w.u64(x.v);
  while (w.bytes().size() % 64 != 0) w.u64(0);
  Hasher h(key_of("dsperse leaf v1"));
  h.update(w.bytes());
  return h.digest();
}

Digest reference_node(const Digest& left, const Digest& right) {
  Hasher h(key_of("dsperse node v1"));
  h.update(left);
  h.update(right);
  return h.digest();
}

std::vector<std::vector<Digest>> reference_levels(const Code& code, std::span<const std::vector<Fp>> rows,
                                                  const Digest& salt_seed) {
  std::vector<std::vector<Digest>> levels(1);
  SeedStream salts(salt_seed, "salts");
  for (std::size_t j = 0; j < code.n(); ++j) {
    Digest salt;
    salts.fill(salt);
    levels[0].push_back(reference_leaf(salt, reference_column(code, rows, j)));
  }
  while (levels.back().size() > 1) {
    std::vector<Digest> above;
    for (std::size_t i = 0; i < levels.back().size(); i += 2)
      above.push_back(reference_node(levels.back()[i], levels.back()[i + 1]));
    levels.push_back(std::move(above));
  }
  return levels;
}

Opening reference_open(const Code& code, std::span<const std::vector<Fp>> rows, const Digest& salt_seed,
                       std::span<const std::uint32_t> indices) {
  Opening out;
  out.rows = rows.size();
  for (const std::uint32_t j : indices) {
    const std::vector<Fp> column = reference_column(code, rows, j);
    out.columns.insert(out.columns.end(), column.begin(), column.end());
    out.salts.push_back(reference_salt(salt_seed, j));
  }
  const auto levels = reference_levels(code, rows, salt_seed);
  std::set<std::uint32_t> known(indices.begin(), indices.end());
  for (std::size_t l = 0; l + 1 < levels.size(); ++l) {
    std::set<std::uint32_t> above;
    for (const std::uint32_t i : known) {
      if (!known.contains(i ^ 1)) out.path.push_back(levels[l][i ^ 1]);
      above.insert(i >> 1);
    }
    known = above;
  }
  return out;
}

}  // namespace dsperse::crypto::testing
