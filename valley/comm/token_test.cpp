#include "valley/comm/token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "valley/core/error.h"

namespace valley::token_test {
namespace {

using testing::HasSubstr;
using testing::Not;

const char* nothing(const char*) { return nullptr; }

struct File {
  explicit File(const std::string& text)
      : path((std::filesystem::temp_directory_path() / "valley_token_XXXXXX").string()) {
    close(mkstemp(path.data()));
    std::ofstream(path, std::ios::binary) << text;
  }
  ~File() { std::filesystem::remove(path); }
  std::string path;
};

std::string refusal(const std::string& file, const Getenv& getenv = nothing) {
  try {
    read_token(file, getenv);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "nothing";
}

TEST(Token, FromTheFileOrElseTheVariable) {
  const auto variable = [](const char* name) {
    return std::string(name) == "VALLEY_TOKEN" ? "sixteen letters!" : nullptr;
  };
  EXPECT_EQ(read_token("", nothing), "");
  EXPECT_EQ(read_token("", [](const char*) { return ""; }), "");
  EXPECT_EQ(read_token("", variable), "sixteen letters!");
  EXPECT_EQ(read_token(File("another one, of a file\r\n").path, variable),
            "another one, of a file");
  EXPECT_EQ(read_token(File(std::string(4096, 'x') + "\n").path, nothing).size(), 4096u);
}

TEST(Token, IsOneLineThatIsLongEnoughAndNeverShown) {
  for (const std::string& bad :
       {std::string(), std::string("\n"), std::string("fifteen letters\n"),
        std::string("line of sixteen\nand another"), std::string(4097, 'x'),
        std::string(100'000, 'x'), std::string("sixteen letters!\0", 17)}) {
    const File file(bad);
    const std::string text = refusal(file.path);
    EXPECT_THAT(text, HasSubstr("token-file " + file.path +
                                ": a token is one line of 16 to 4096 "
                                "bytes"));
    EXPECT_THAT(text, Not(HasSubstr("letters")));
  }
  const std::string text = refusal("", [](const char*) { return "too short"; });
  EXPECT_THAT(text, HasSubstr("VALLEY_TOKEN: a token is one line of 16"));
  EXPECT_THAT(text, Not(HasSubstr("too short")));
  EXPECT_EQ(refusal("/nowhere/token"), "token-file /nowhere/token: No such file or directory");
  EXPECT_EQ(refusal("/tmp"), "token-file /tmp: Is a directory");
}

}  // namespace
}  // namespace valley::token_test
