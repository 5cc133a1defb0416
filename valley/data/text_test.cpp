#include "valley/data/text.h"

#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "valley/data/test_files.h"
#include "valley/data/test_notes.h"
#include "valley/data/vocabulary.h"

namespace valley::text_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Bytes letters(int64_t n) {
  Bytes bytes;
  for (int64_t i = 0; i < n; ++i) bytes.push_back(static_cast<uint8_t>('a' + i % 26));
  return bytes;
}

std::string words(const at::Tensor& tokens) {
  const at::Tensor bytes = tokens.contiguous();
  return {reinterpret_cast<const char*>(bytes.data_ptr<uint8_t>()),
          static_cast<size_t>(bytes.numel())};
}

DataOptions with_context(int64_t context, bool strict = false) {
  return {.strict = strict, .context = context};
}

class Text : public testing::Test {
 protected:
  std::string save(const std::string& name, const Bytes& bytes) {
    const std::string path = folder_ / name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    write_file(path, bytes);
    return path;
  }

  DataSplits load(const std::string& path, const DataOptions& options) {
    DataSplits data;
    notes_ = notes_of([&] { data = load_text(path, options); });
    return data;
  }

  DataFolder folder_;
  std::vector<std::string> notes_;
};

TEST_F(Text, SequencesFollowEachOtherAndTheTailIsHeldOut) {
  const std::string path = save("book", letters(5 * 22 + 1));
  const auto [train, test] = load(path, with_context(5));
  ASSERT_EQ(train->inputs.sizes(), (std::vector<int64_t>{20, 5}));
  ASSERT_EQ(test->inputs.sizes(), (std::vector<int64_t>{2, 5}));
  EXPECT_EQ(words(train->inputs[0]), "abcde");
  EXPECT_EQ(words(train->targets[0]), "bcdef");
  EXPECT_EQ(words(train->inputs[1]), "fghij");
  EXPECT_EQ(words(train->inputs).substr(1) + words(test->inputs),
            words(train->targets) + words(test->targets).substr(0, 9));
  EXPECT_EQ(train->vocabulary, 256);
  EXPECT_EQ(train->classes, 256);
  EXPECT_THAT(notes_, ElementsAre(path + ": the end, 2 of 22 sequences, is held out as the test "
                                         "set"));
}

TEST_F(Text, AFileIsMappedAndOutlivesItsName) {
  const std::string path = save("book", letters(100));
  const auto [train, test] = load(path, with_context(4));
  std::filesystem::remove(path);
  EXPECT_EQ(words(train->inputs[1]), "efgh");
  // Two views of one memory.
  EXPECT_EQ(train->inputs.data_ptr<uint8_t>() + 1, train->targets.data_ptr<uint8_t>());
  EXPECT_EQ(train->inputs.data_ptr<uint8_t>() + train->inputs.numel(),
            test->inputs.data_ptr<uint8_t>());
}

TEST_F(Text, WhatFillsNoSequenceIsSaid) {
  const auto [train, test] = load(save("book", letters(5 * 3 + 1 + 4)), with_context(5));
  EXPECT_EQ(train->size(), 2);
  EXPECT_EQ(test->size(), 1);
  EXPECT_THAT(notes_[0], HasSubstr("the last 4 bytes are left out, too few for a sequence of 5"));
}

TEST_F(Text, GzippedIsTheSame) {
  const std::string plain = save("book", letters(200));
  write_gzip(folder_ / "book.gz", letters(200));
  const auto a = load(plain, with_context(7)), b = load(folder_ / "book.gz", with_context(7));
  EXPECT_TRUE(at::equal(a.train->inputs, b.train->inputs));
  EXPECT_TRUE(at::equal(a.test->targets, b.test->targets));
}

TEST_F(Text, AFolderIsReadInTheOrderOfItsPaths) {
  save("texts/b/1", letters(5));
  save("texts/a", Bytes{'1', '2'});
  write_gzip(folder_ / "texts/c.gz", letters(3));
  save("texts/.hidden", letters(50));
  save("texts/empty", {});
  save("texts/picture", {1, 0, 2});
  write_gzip(folder_ / "texts/cut.gz", letters(5000));
  const Bytes whole = file_bytes(folder_ / "texts/cut.gz");
  write_file(folder_ / "texts/cut.gz", Bytes(whole.begin(), whole.end() - 9));
  std::filesystem::create_symlink("b/1", folder_ / "texts/again");

  const auto [train, test] = load(folder_ / "texts", with_context(1));
  EXPECT_EQ(words(train->inputs) + words(test->inputs), "12abcdeab");
  EXPECT_EQ(words(test->targets), "c");
  ASSERT_EQ(notes_.size(), 4u);
  EXPECT_THAT(notes_[0], HasSubstr("1 file was left out, hidden: .hidden"));
  EXPECT_THAT(notes_[1], HasSubstr("links to files that are read already: again"));
  EXPECT_THAT(notes_[2], HasSubstr("3 files were left out, not readable as text: cut.gz ("));
  EXPECT_THAT(notes_[2], HasSubstr("empty (empty), picture (holds a zero byte)"));
  EXPECT_THAT(usage_error([&] { load_text(folder_ / "texts", with_context(1, true)); }),
              HasSubstr("cut.gz is cut short"));
}

TEST_F(Text, TrainAndTestMayBeFoldersOfTheirOwn) {
  save("texts/train/a", letters(9));
  save("texts/test/b", letters(4));
  save("texts/other", letters(40));
  const auto [train, test] = load(folder_ / "texts", with_context(2));
  EXPECT_EQ(words(train->inputs), "abcdefgh");
  EXPECT_EQ(words(test->inputs), "ab");
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("test: the last byte is left out")));
}

TEST_F(Text, EndOfAText) {
  const std::string path = save("book", letters(9));
  EXPECT_EQ(words(end_of_text(path, 3)), "ghi");
  EXPECT_EQ(words(end_of_text(path, 30)), "abcdefghi");
}

TEST_F(Text, ErrorsNameTheRule) {
  EXPECT_EQ(usage_error([&] { load_text(folder_ / "no", {}); }),
            "data file " + (folder_ / "no") +
                " is missing; text:PATH takes a file, or a folder of "
                "such");
  const std::string path = save("book", letters(20));
  EXPECT_EQ(usage_error([&] { load_text(path, with_context(10)); }),
            path +
                " is a text of 20 bytes, but context 10 needs 21 at least: a sequence to train "
                "on, one held out, and the byte behind it");
  std::filesystem::create_directories(folder_ / "none/train");
  std::filesystem::create_directories(folder_ / "none/test");
  EXPECT_EQ(usage_error([&] { load_text(folder_ / "none", with_context(10)); }),
            (folder_ / "none") +
                "/train is a text of 0 bytes, but context 10 needs 11 at least: one "
                "sequence and the byte behind it");
}

// "abab" of "ab" and "aba": the longest first, so "aba" and "b".
TEST_F(Text, AVocabularyIsReadByTheLongestToken) {
  const std::string file =
      save("words", {'a', 'b', '\n', 'a', 'b', 'a', '\n', '\\', 'n', '\\', '\\', '\n'});
  const auto words = Vocabulary::read(file);
  EXPECT_EQ(words->size(), 256 + 3);
  EXPECT_THAT(words->encode("ababab\n\\c"), ElementsAre(257, 'b', 256, 258, 'c'));
  EXPECT_THAT(words->encode("xaab"), ElementsAre('x', 'a', 256));
  EXPECT_EQ(words->token(258), "\n\\");
  EXPECT_EQ(words->lengths()[257], 3);
  std::string text = "ab\xc3\xa9 abababa aba\n", again;
  for (const int32_t token : words->encode(text)) again += words->token(token);
  EXPECT_EQ(again, text);
  EXPECT_EQ(token_name(words.get(), 256), "ab");
  EXPECT_EQ(token_name(words.get(), ' '), "space");
}

TEST_F(Text, SequencesOfAVocabulary) {
  const std::string file = save("words", {'a', 'b', 'c', '\n', 'x', '\n'});
  const std::string book = save("book", letters(26 * 10));
  DataOptions options = with_context(3);
  options.vocabulary = file;
  const auto [train, test] = load(book, options);
  EXPECT_EQ(train->vocabulary, 257);
  EXPECT_EQ(train->classes, 257);
  EXPECT_EQ(train->inputs.scalar_type(), at::kInt);
  EXPECT_EQ(train->inputs[0][0].item<int64_t>(), 256);
  EXPECT_EQ(train->targets[0][2].item<int64_t>(), 'f');
  EXPECT_EQ(train->size() + test->size(), (10 * 24 - 1) / 3);
  EXPECT_THAT(notes_, testing::Contains(HasSubstr("1 of 2 lines are single bytes")));
  options.context = 200;
  EXPECT_THAT(
      usage_error([&] { load(book, options); }),
      HasSubstr("is a text of 240 tokens, but context 200 needs 401 at least: a sequence to "
                "train on, one held out, and the token behind it"));
  EXPECT_EQ(end_of_text(book, 4, train->words.get())[0][3].item<int64_t>(), 'z');
}

TEST_F(Text, VocabulariesThatMeanNothing) {
  const auto refusal = [&](const std::string& text) {
    const std::string file = save("words", {text.begin(), text.end()});
    return usage_error([&] { Vocabulary::read(file); }).substr(file.size());
  };
  EXPECT_EQ(refusal("ab\n\ncd\n"), ": line 2 is empty, expected a token");
  EXPECT_EQ(refusal("ab\ncd\nab\n"), ": line 3: the token 'ab' comes twice");
  EXPECT_EQ(refusal("ab\\q\n"), ": line 1: a backslash stands before n, t, r or another backslash");
  EXPECT_EQ(refusal("ab\\"), ": line 1: a backslash stands before n, t, r or another backslash");
}

}  // namespace
}  // namespace valley::text_test
