import Files
import Tensors
import TestSupport
import Testing

@testable import WeightSources

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("Files that hold no weights")
struct OtherFileTests {
  @Test("A file of another kind is told what it is, and what to do", arguments: Sample.all)
  func told(_ sample: Sample) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(sample.bytes, to: "model.h5")
    let error = #expect(throws: InputError.self) { try WeightFile.open(path) }
    #expect(error?.kind == .badData)
    #expect(error?.problem.contains(sample.what) == true, "\(error?.problem ?? "")")
    #expect(error?.hint?.isEmpty == false)
    #expect(error?.description.contains("\n") == false)
  }

  /// The first bytes of a file, and what must be said of it.
  struct Sample: Sendable, CustomTestStringConvertible {
    let what: String
    let bytes: [UInt8]
    var testDescription: String { what }

    init(_ what: String, _ bytes: [UInt8]) {
      self.what = what
      self.bytes = bytes + [UInt8](repeating: 7, count: 600)
    }

    init(_ what: String, text: String) {
      self.what = what
      bytes = Array(text.utf8)
    }

    static let all: [Sample] = [
      .init(
        "Git LFS pointer",
        text: "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 102\n"),
      .init("HTML page", text: "\u{FEFF}\n <!DOCTYPE html><html><body>Log in</body></html>"),
      .init("HTML page", text: "<HTML><head></head></HTML>"),
      .init(
        "XML document", text: "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>"),
      .init("JSON", text: "{\"error\": \"not found\"}"),
      .init(
        "index of a checkpoint in several files",
        text: "{\"metadata\": {}, \"weight_map\": {\"fc.weight\": \"model-1.safetensors\"}}"),
      .init("TensorFlow.js", text: "{\"modelTopology\": {}, \"weightsManifest\": []}"),
      .init("configuration without weights", text: "{\"class_name\": \"Functional\"}"),
      .init("names a TensorFlow checkpoint", text: "model_checkpoint_path: \"model.ckpt\"\n"),
      .init("text, not weights", text: "import torch\nprint(torch.__version__)\n"),
      .init("GGUF", Array("GGUF".utf8) + [3, 0, 0, 0]),
      .init("TFLite", [0x1C, 0, 0, 0] + Array("TFL3".utf8)),
      .init("tar archive", [UInt8](repeating: 0x61, count: 257) + Array("ustar".utf8)),
      .init("gzip", [0x1F, 0x8B, 8, 0]),
      .init("PNG image", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
      .init("JPEG image", [0xFF, 0xD8, 0xFF, 0xE0]),
      .init("MATLAB", Array("MATLAB 5.0 MAT-file, Platform".utf8)),
      .init("ONNX", [0x08, 8, 0x12, 7] + Array("pytorch".utf8) + [0x1A, 5]),
      .init("Core ML", [0x08, 4, 0x12, 0x90, 1, 0x0A, 0x0E]),
      .init("SavedModel", [0x08, 1, 0x12, 0xAC, 0x9A, 2, 0x0A, 0x20]),
      .init(
        "TensorFlow graph", [0x0A, 0x40, 0x0A, 5] + Array("input\u{12}\u{0B}Placeholder".utf8)),
      // A frozen graph may begin with a weight of any length.
      .init(
        "TensorFlow graph",
        [0x0A, 0xC3, 0xB4, 0x25, 0x0A, 7] + Array("a/fc/ww\u{12}\u{05}Const*\u{0A}".utf8)),
      .init("zeros where a file begins", [UInt8](repeating: 0, count: 4096)),
      .init(
        "a pickle that PyTorch did not write",
        [0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0, 0]
          + Array("csklearn.ensemble._forest\nRandomForestClassifier\n".utf8) + [0x29, 0x81, 0x2E]),
    ]
  }

  @Test("The class of an object that a pickle makes is named")
  func pickle() throws {
    let folder = try TemporaryFolder()
    let bytes =
      [0x80, 2] + Array("csklearn.svm._classes\nSVC\n".utf8) + [0x29, 0x81, 0x7D, 0x62, 0x2E]
    let path = try folder.write(bytes, to: "model.pkl")
    let error = #expect(throws: InputError.self) { try WeightFile.open(path) }
    #expect(error?.place == "it makes sklearn.svm._classes.SVC")
  }

  @Test("The end of a table of TensorFlow's makes a checkpoint")
  func table() throws {
    let folder = try TemporaryFolder()
    let end: [UInt8] = [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB]
    let path = try folder.write([0, 0, 0x80, 0x81] + end, to: "model.ckpt.index")
    let error = #expect(throws: InputError.self) { try WeightFile.open(path) }
    #expect(error?.problem == "is part of a TensorFlow checkpoint")
  }

  @Test(
    "A folder is told what it is",
    arguments: [
      (["saved_model.pb"], "SavedModel"), (["Manifest.json", "Data"], "Core ML"),
      (["checkpoint", "model.ckpt.data-00000-of-00001"], "TensorFlow checkpoint"),
      (["data.pkl", "version"], "unpacked PyTorch"),
      (["model.safetensors"], "folder"),
    ])
  func folders(_ names: [String], _ what: String) throws {
    let folder = try TemporaryFolder()
    for name in names { _ = try folder.write([1], to: name) }
    let error = #expect(throws: InputError.self) { try WeightFile.open(folder.path) }
    #expect(error?.kind == .badData)
    #expect(error?.problem.contains(what) == true)
  }

  @Test(
    "A zip archive of other files is told what is in it",
    arguments: [
      ("model/saved_model.pb", "SavedModel"),
      ("x.mlpackage/Data/com.apple.CoreML/model.mlmodel", "Core ML"),
      ("weights/resnet50.h5", "other files"), ("archive_format", "exported program"),
    ])
  func archives(_ member: String, _ what: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(storedZip([(member, [1, 2, 3])]), to: "x.zip")
    let error = #expect(throws: InputError.self) { try WeightFile.open(path) }
    #expect(error?.problem.contains(what) == true)
  }

  @Test("A zip archive without members is said to be empty")
  func emptyArchive() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(storedZip([]), to: "x.npz")
    let error = #expect(throws: InputError.self) { try WeightFile.open(path) }
    #expect(error?.problem == "is an empty zip archive")
  }

  @Test(
    "A file that was cut off is said to be, whatever its kind",
    arguments: [
      "keras/narrow.h5", "keras/narrow.weights.h5", "keras/narrow.keras", "torch/basic.pth",
      "torch/basic.legacy.pth", "torch/basic.safetensors", "torch/basic.npz",
    ])
  func cutOff(_ name: String) throws {
    let folder = try TemporaryFolder()
    let good = try Fixture.bytes(name)
    for part in [3, 9, 15] {
      let path = try folder.write(Array(good[..<(good.count * part / 16)]), to: "x")
      let error = #expect(throws: InputError.self) { try WeightFile.open(path) }
      let said = "\(error?.problem ?? "") \(error?.place ?? "")"
      #expect(said.contains(#/cut off|truncated|ends too early/#), "\(said)")
    }
  }
}
