#include "valley/data/pictures.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <gmock/gmock.h>
#include <zlib.h>

#include <cstdlib>
#include <functional>

#include "valley/data/notes.h"
#include "valley/data/picture_file.h"
#include "valley/data/test_pictures.h"

namespace valley::pictures_test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

std::string_view text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

at::Tensor plain(int value, int64_t height = 4, int64_t width = 4, int64_t channels = 1) {
  return at::full({height, width, channels}, value, at::kByte);
}

at::Tensor ramp(int64_t height, int64_t width, int64_t channels) {
  return at::arange(height * width * channels, at::kByte).view({height, width, channels});
}

TEST(PictureFile, PngIsReadAsItWasWritten) {
  for (const int64_t channels : {1, 3}) {
    const at::Tensor pixels = ramp(5, 7, channels);
    const Bytes file = png_bytes(pixels);
    const PictureSize size = picture_size(text_of(file));
    EXPECT_EQ(size, (PictureSize{.height = 5, .width = 7, .colour = channels == 3}));
    EXPECT_TRUE(at::equal(decode_picture(text_of(file), size.colour), pixels.permute({2, 0, 1})));
  }
}

// What a header claims is allocated, but not more than so many bytes can be unpacked to.
TEST(PictureFile, AHeaderIsBelievedAsFarAsThereAreBytes) {
  const at::Tensor pixels = plain(7, 1000, 1000);
  for (const Bytes& whole : {png_bytes(pixels), jpeg_bytes(pixels)}) {
    EXPECT_TRUE(at::equal(decode_picture(text_of(whole), false), pixels.permute({2, 0, 1})));
  }
  std::string png(text_of(png_bytes(plain(7))));
  png.replace(png.find("IHDR") + 4, 8, std::string("\0\0\x40\0\0\0\x40\0", 8));
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(&png[png.find("IHDR")]), 17);
  for (int k = 0; k < 4; ++k)
    png[png.find("IHDR") + 17 + k] = static_cast<char>(crc >> (24 - 8 * k));
  std::string jpeg(text_of(jpeg_bytes(plain(7))));
  jpeg.replace(jpeg.find("\xff\xc0") + 5, 4, std::string("\x40\0\x40\0", 4));
  for (const std::string& claims : {png, jpeg}) {
    for (const auto& read : {std::function<void()>([&] { picture_size(claims); }),
                             std::function<void()>([&] { decode_picture(claims, true); })})
      EXPECT_EQ(error_of<BadPicture>(read), "its header claims 16384 x 16384 pixels");
  }
}

TEST(PictureFile, TransparencyIsDropped) {
  const at::Tensor pixels = ramp(2, 3, 4);
  const at::Tensor found = decode_picture(text_of(png_bytes(pixels)), true);
  EXPECT_TRUE(at::equal(found, pixels.narrow(2, 0, 3).permute({2, 0, 1})));
}

TEST(PictureFile, AGreyPictureAmongColouredOnes) {
  const at::Tensor found = decode_picture(text_of(png_bytes(plain(9))), true);
  EXPECT_TRUE(at::equal(found, at::full({3, 4, 4}, 9, at::kByte)));
}

TEST(PictureFile, JpegIsCloseToWhatWasWritten) {
  const at::Tensor pixels = plain(100, 16, 8, 3);
  const Bytes file = jpeg_bytes(pixels);
  EXPECT_EQ(picture_size(text_of(file)), (PictureSize{.height = 16, .width = 8, .colour = true}));
  const at::Tensor found = decode_picture(text_of(file), true).to(at::kInt);
  EXPECT_LE((found - 100).abs().max().item<int>(), 1);
  EXPECT_FALSE(picture_size(text_of(jpeg_bytes(plain(3)))).colour);
}

TEST(PictureFile, AFileThatIsCut) {
  Bytes jpeg = jpeg_bytes(ramp(64, 64, 3)), png = png_bytes(ramp(64, 64, 3));
  jpeg.resize(jpeg.size() / 2);
  png.resize(png.size() / 2);
  EXPECT_THROW(decode_picture(text_of(jpeg), true), BadPicture);
  EXPECT_THROW(decode_picture(text_of(png), true), BadPicture);
  EXPECT_EQ(error_of<BadPicture>([] { picture_size("GIF89a"); }), "neither JPEG nor PNG");
}

TEST(PictureFile, ResizingKeepsConstantsAndTheMiddle) {
  const at::Tensor constant = at::full({3, 10, 20}, 77, at::kByte);
  EXPECT_TRUE(at::equal(resize_and_crop(constant, 4, 4), at::full({3, 4, 4}, 77, at::kByte)));
  // 2 x 6, black but for the middle two columns, becomes the middle.
  at::Tensor wide = at::full({1, 2, 6}, 0, at::kByte);
  wide.narrow(2, 2, 2).fill_(200);
  EXPECT_TRUE(at::equal(resize_and_crop(wide, 2, 2), at::full({1, 2, 2}, 200, at::kByte)));
  EXPECT_EQ(resize_and_crop(wide, 4, 4).sizes().vec(), (std::vector<int64_t>{1, 4, 4}));
}

class Pictures : public testing::Test {
 protected:
  Pictures() {
    setenv("VALLEY_CACHE", (store_.string() + "/store").c_str(), 1);
    for (int i = 0; i < 5; ++i) {
      save(fmt::format("train/cat/{}.png", i), png_bytes(plain(10 + i)));
      save(fmt::format("train/dog/{}.png", i), png_bytes(plain(20 + i)));
    }
    save("test/cat/a.png", png_bytes(plain(1)));
    save("test/dog/b.png", png_bytes(plain(2)));
  }
  ~Pictures() override { unsetenv("VALLEY_CACHE"); }

  void save(const std::string& name, const Bytes& bytes) {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    write_file(path.string(), bytes);
  }
  DataSplits load(DataOptions options = {}) {
    const DataNotes notes;
    DataSplits data = load_pictures(folder_.string(), options);
    notes_ = notes.texts();
    return data;
  }
  std::string error(DataOptions options = {}) {
    return shortened(usage_error([&] { load(options); }));
  }
  std::string shortened(std::string text) const {
    const std::string prefix = folder_.string() + "/";
    for (size_t at = text.find(prefix); at != text.npos; at = text.find(prefix))
      text.erase(at, prefix.size());
    return text;
  }
  // Every file of the store.
  std::vector<fs::path> stored(const std::string& name) const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator(store_.string()))
      if (entry.path().filename() == name) found.push_back(entry.path());
    return found;
  }

  DataFolder folder_, store_;
  std::vector<std::string> notes_;
};

TEST_F(Pictures, AFolderAClass) {
  const auto [train, test] = load();
  EXPECT_THAT(train->inputs.sizes().vec(), ElementsAre(10, 1, 4, 4));
  EXPECT_THAT(test->inputs.sizes().vec(), ElementsAre(2, 1, 4, 4));
  EXPECT_THAT(train->class_names, ElementsAre("cat", "dog"));
  EXPECT_EQ(train->inputs[6][0][1][1].item<int>(), 21);
  EXPECT_EQ(train->targets[6].item<int64_t>(), 1);
  EXPECT_EQ(test->targets[0].item<int64_t>(), 0);
  EXPECT_THAT(notes_, testing::IsEmpty());
}

TEST_F(Pictures, AreDecodedOnce) {
  load();
  const auto files = stored("pixels");
  ASSERT_EQ(files.size(), 2u);
  const auto before = fs::last_write_time(files[0]);
  load();
  EXPECT_EQ(fs::last_write_time(files[0]), before);
  // Another content is another entry.
  save("train/cat/0.png", png_bytes(plain(99)));
  EXPECT_EQ(load().train->inputs[0][0][0][0].item<int>(), 99);
  EXPECT_EQ(stored("pixels").size(), 3u);
}

TEST_F(Pictures, ADamagedStoreIsMadeAnew) {
  load();
  for (const fs::path& path : stored("pixels")) {
    Bytes bytes = file_bytes(path.string());
    bytes[0] ^= 1;
    write_file(path.string(), bytes);
  }
  EXPECT_EQ(load().train->inputs[0][0][0][0].item<int>(), 10);
  for (const fs::path& path : stored("about.json")) write_file(path.string(), {'{'});
  EXPECT_EQ(load().train->inputs[0][0][0][0].item<int>(), 10);
}

TEST_F(Pictures, WithoutAPlaceToStoreThem) {
  const std::string file = store_ / "file";
  write_file(file, {1});
  setenv("VALLEY_CACHE", file.c_str(), 1);
  EXPECT_EQ(load().train->inputs[9][0][0][0].item<int>(), 24);
  ASSERT_EQ(notes_.size(), 2u);
  EXPECT_THAT(notes_[0], HasSubstr("kept in memory and not for the next run: Not a directory"));
}

TEST_F(Pictures, AFifthIsHeldOut) {
  fs::remove_all(folder_ / "test");
  const auto [train, test] = load({.seed = 3});
  EXPECT_EQ(train->size(), 8);
  EXPECT_EQ(test->size(), 2);
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("a fifth of every class is held out")));
  EXPECT_TRUE(at::equal(load({.seed = 3}).test->inputs, test->inputs));
  bool other = false;
  for (uint64_t seed = 4; seed < 12; ++seed)
    other |= !at::equal(load({.seed = seed}).test->inputs, test->inputs);
  EXPECT_TRUE(other);
}

TEST_F(Pictures, WhatCannotBeReadIsCountedOrRefused) {
  Bytes cut = jpeg_bytes(ramp(64, 64, 3));
  cut.resize(cut.size() / 2);
  save("train/cat/2.png", cut);
  save("train/dog/notes.txt", {'h', 'i'});
  save("train/README", {'h', 'i'});
  const DataOptions options{.image_size = 4};
  for (int turn = 0; turn < 2; ++turn) {  // from the files, and from the store
    const auto [train, test] = load(options);
    EXPECT_EQ(train->size(), 9);
    ASSERT_EQ(notes_.size(), 2u);
    EXPECT_THAT(notes_[0], HasSubstr("1 file was left out, no class folder or no ordinary file: "
                                     "README"));
    EXPECT_THAT(notes_[1], HasSubstr("2 files were left out, not readable as pictures: "
                                     "train/cat/2.png ("));
    EXPECT_THAT(notes_[1], HasSubstr("train/dog/notes.txt (neither JPEG nor PNG)"));
  }
  EXPECT_THAT(error({.image_size = 4, .strict = true}), testing::StartsWith("train/cat/2.png: "));
}

TEST_F(Pictures, SizesAndColours) {
  save("train/dog/5.png", png_bytes(plain(7, 6, 4, 3)));
  EXPECT_EQ(error(),
            "train/cat/0.png has 4 x 4 pixels but train/dog/5.png 4 x 6; image-size "
            "brings all to one");
  EXPECT_THAT(load({.image_size = 2}).test->inputs.sizes().vec(), ElementsAre(2, 3, 2, 2));
}

TEST_F(Pictures, SaysWhatIsMissing) {
  fs::create_directories(folder_ / "train/empty");
  EXPECT_EQ(error(), "the class folder train/empty holds no picture");
  save("train/empty/x.png", {1, 2, 3});
  EXPECT_EQ(error(), "the class empty has no readable picture to train on");
  save("test/bird/x.png", png_bytes(plain(1)));
  EXPECT_EQ(error(), "test/bird is a class that train lacks");
  fs::remove_all(folder_ / "test");
  EXPECT_EQ(error(),
            "the class folder train/empty holds one picture, of which none can be held out "
            "to test; give a folder test");
  fs::remove_all(folder_ / "train");
  EXPECT_EQ(usage_error([&] { load_pictures(folder_.string(), {}); }),
            folder_.string() +
                " holds no class folder; images:PATH takes a folder with one folder of "
                "JPEG or PNG files a class, or with train and test of such");
  EXPECT_EQ(
      usage_error([&] { load_pictures("/no/such", {}); }),
      "/no/such is missing; images:PATH takes a folder with one folder of JPEG or PNG files a "
      "class");
}

}  // namespace
}  // namespace valley::pictures_test
