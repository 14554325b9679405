#include "dsperse/trust/receipt/envelope.h"

#include <gtest/gtest.h>

#include "dsperse/trust/receipt/testing/sample.h"
#include "dsperse/trust/sign/ed25519.h"

namespace dsperse::trust {
namespace {

using testing::bytes_of;
using testing::text_of;

Ed25519Signer signer(std::uint8_t n) { return std::move(*Ed25519Signer::from_seed(Digest{n})); }
const Ed25519Check kCheck;
constexpr std::string_view kType = "http://example.com/HelloWorld";

Envelope hello() { return *seal(kType, bytes_of("hello world"), signer(1)); }

TEST(Envelope, PreAuthenticationIsTheSpecifications) {  // the example of the DSSE protocol's page
  EXPECT_EQ(text_of(pre_authentication(kType, bytes_of("hello world"))),
            "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  EXPECT_EQ(text_of(pre_authentication("", {})), "DSSEv1 0  0 ");
}

TEST(Envelope, TextIsDsse) {
  const Envelope e = hello();
  const std::string text = text_of(encode_envelope(e));
  EXPECT_TRUE(
      text.starts_with(R"({"payload":"aGVsbG8gd29ybGQ=","payloadType":"http://example.com/HelloWorld","signatures":[{"keyid":")" +
                       to_hex(signer(1).key()) + R"(","sig":")"));
  EXPECT_TRUE(text.ends_with(R"("}]})"));
  EXPECT_EQ(decode_envelope(bytes_of(text)), e);
  EXPECT_TRUE(verify_envelope(e, kType, kCheck));
}

TEST(Envelope, ManySignersInOneOrder) {
  Envelope a = hello(), b = *seal(kType, bytes_of("hello world"), signer(8));
  for (std::uint8_t n = 2; n <= 8; ++n) ASSERT_TRUE(add_signature(a, signer(n)));
  for (std::uint8_t n = 7; n >= 1; --n) ASSERT_TRUE(add_signature(b, signer(n)));
  EXPECT_EQ(a, b);
  EXPECT_EQ(decode_envelope(encode_envelope(a)), a);
  EXPECT_TRUE(verify_envelope(a, kType, kCheck));
  EXPECT_EQ(add_signature(a, signer(3)).error().what, "signed by this key already");
  EXPECT_EQ(add_signature(a, signer(9)).error().what, "an envelope holds no more signatures");
  std::swap(b.signatures[0], b.signatures[1]);
  EXPECT_FALSE(decode_envelope(encode_envelope(b))) << "signatures out of order";
  Envelope twice = hello();
  twice.signatures.push_back(twice.signatures[0]);
  EXPECT_FALSE(decode_envelope(encode_envelope(twice))) << "one signature twice";
  Envelope none = hello();
  none.signatures.clear();
  EXPECT_FALSE(decode_envelope(encode_envelope(none)));
  EXPECT_EQ(verify_envelope(none, kType, kCheck).reason, "envelope: signature");
  a.signatures[4].signature[9] ^= 1;
  EXPECT_EQ(verify_envelope(a, kType, kCheck).where, to_hex(a.signatures[4].key)) << "one false signature among good ones";
}

TEST(Envelope, TypeAndPayloadAreSigned) {
  Envelope e = hello();
  EXPECT_EQ(verify_envelope(e, "another", kCheck).reason, "envelope: payload type");
  e.payload_type = "another";
  EXPECT_EQ(verify_envelope(e, "another", kCheck).reason, "envelope: signature");
  e = hello();
  e.payload[0] ^= 1;
  EXPECT_EQ(verify_envelope(e, kType, kCheck).reason, "envelope: signature");
}

TEST(Envelope, OneTextOnly) {
  const Bytes text = encode_envelope(hello());
  for (std::size_t n = 0; n < text.size(); ++n) EXPECT_FALSE(decode_envelope(ByteView(text).first(n))) << n;
  for (const auto& other : testing::respelled(text_of(text))) EXPECT_FALSE(decode_envelope(bytes_of(other))) << other;
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const int byte : std::initializer_list<int>{0, 32, '"', '\\', '{', text[i] ^ 1, text[i] ^ 32, 255}) {
      Bytes other = text;
      other[i] = static_cast<std::uint8_t>(byte);
      if (other == text) continue;
      const auto decoded = decode_envelope(other);
      if (!decoded) continue;
      EXPECT_EQ(encode_envelope(*decoded), other);
      EXPECT_FALSE(verify_envelope(*decoded, kType, kCheck)) << i;
    }
  }
}

TEST(Envelope, HostileSizes) {
  Bytes deep = bytes_of(R"({"payload":)");
  deep.insert(deep.end(), 200000, '[');
  EXPECT_EQ(decode_envelope(deep).error().where, "byte 11");
  EXPECT_EQ(decode_envelope(Bytes(kMaxEnvelopeBytes + 1, '{')).error().hint, "at most " + std::to_string(kMaxEnvelopeBytes));
  const auto largest = seal(std::string(kMaxPayloadTypeBytes, 't'), Bytes(kMaxPayloadBytes, 9), signer(1));
  ASSERT_TRUE(largest);
  Envelope full = *largest;
  for (std::uint8_t n = 2; n <= 8; ++n) ASSERT_TRUE(add_signature(full, signer(n)));
  EXPECT_EQ(decode_envelope(encode_envelope(full)), full);
  EXPECT_FALSE(seal(kType, Bytes(kMaxPayloadBytes + 1, 9), signer(1)));
  EXPECT_FALSE(seal(std::string(kMaxPayloadTypeBytes + 1, 't'), {}, signer(1)));
  EXPECT_FALSE(seal("quote\"", {}, signer(1)));
  full.payload.push_back(9);
  EXPECT_FALSE(decode_envelope(encode_envelope(full)));
}

}  // namespace
}  // namespace dsperse::trust
