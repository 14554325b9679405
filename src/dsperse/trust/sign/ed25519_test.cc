#include "dsperse/trust/sign/ed25519.h"

#include <gtest/gtest.h>

namespace dsperse::trust {
namespace {

Bytes hex(std::string_view text) {
  Bytes out;
  EXPECT_TRUE(from_hex(text, out));
  return out;
}
template <class Array>
Array array_of(std::string_view text) {
  Array out{};
  const Bytes bytes = hex(text);
  EXPECT_EQ(bytes.size(), out.size());
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

struct Vector {
  const char *seed, *key, *message, *signature;
};
// RFC 8032, section 7.1, tests 1 to 3.
const Vector kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7"
     "a"
     "100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612b"
     "b"
     "0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1"
     "e"
     "c40a"},
};

TEST(Ed25519, KnownAnswers) {
  for (const auto& v : kVectors) {
    const auto signer = Ed25519Signer::from_seed(array_of<Digest>(v.seed));
    ASSERT_TRUE(signer);
    EXPECT_EQ(to_hex(signer->key()), v.key);
    const auto signature = signer->sign(hex(v.message));
    ASSERT_TRUE(signature);
    EXPECT_EQ(to_hex(*signature), v.signature);
    EXPECT_TRUE(Ed25519Check().valid(signer->key(), hex(v.message), *signature));
  }
}

TEST(Ed25519, AnyBitCounts) {
  const Ed25519Check check;
  const auto key = array_of<PublicKey>(kVectors[2].key);
  const auto signature = array_of<Signature>(kVectors[2].signature);
  const Bytes message = hex(kVectors[2].message);
  for (std::size_t bit = 0; bit < 512; ++bit) {
    auto wrong = signature;
    wrong[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(check.valid(key, message, wrong)) << bit;
  }
  for (std::size_t bit = 0; bit < 256; ++bit) {
    auto wrong = key;
    wrong[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(check.valid(wrong, message, signature)) << bit;
  }
  for (std::size_t bit = 0; bit < 16; ++bit) {
    auto wrong = message;
    wrong[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(check.valid(key, wrong, signature)) << bit;
  }
}

// S + L signs as S does in the plain equation: a second signature for one message that nobody signed.
TEST(Ed25519, UnreducedSIsRefused) {
  const Bytes order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  auto signature = array_of<Signature>(kVectors[0].signature);
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += signature[32 + i] + order[i];
    signature[32 + i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  EXPECT_FALSE(Ed25519Check().valid(array_of<PublicKey>(kVectors[0].key), {}, signature));
}

// The neutral element as key and R, S = 0: holds for every message unless small orders are refused.
TEST(Ed25519, KeyOfSmallOrderIsRefused) {
  PublicKey neutral{1};
  Signature signature{1};
  EXPECT_FALSE(Ed25519Check().valid(neutral, Bytes{1, 2, 3}, signature));
}

TEST(Ed25519, MovedFromSignsNoMore) {
  auto first = Ed25519Signer::from_seed(Digest{7});
  ASSERT_TRUE(first);
  const Ed25519Signer second = std::move(*first);
  EXPECT_TRUE(second.sign(Bytes{1}));
  EXPECT_EQ(first->sign(Bytes{1}).error().kind, ErrorKind::internal);
}

}  // namespace
}  // namespace dsperse::trust
