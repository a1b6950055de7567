import Files
import Tensors
import TestSupport
import Testing

@testable import WeightSources

@Suite("Folders of a configuration and weights")
struct ModelFolderTests {
  static let names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]

  @Test(
    "Weights in any number of files and both forms are the same tensors",
    arguments: ["bit.parts", "bit.bin", "bit.bin.parts"])
  func forms(_ name: String) throws {
    let truth = try WeightFile.open(Fixture.path("huggingface/bit"))
    let other = try WeightFile.open(Fixture.path("huggingface/\(name)"))
    #expect(truth.container == "hugging-face" && other.container == "hugging-face")
    #expect(Set(other.tensors) == Set(truth.tensors))
    for tensor in truth.tensors {
      let first = try truth.tensor(named: tensor.name).floats()
      #expect(try other.tensor(named: tensor.name).floats() == first)
    }
    // The configuration, the index where there are several, and the weights.
    #expect(other.files.count == (name.hasSuffix("parts") ? 4 : 2))
  }

  @Test("An index that names what is not there, or elsewhere, is refused", arguments: Index.broken)
  func index(_ broken: Index) throws {
    let folder = try TemporaryFolder()
    for name in Self.names {
      _ = try folder.write(try Fixture.bytes("huggingface/bit.parts/\(name)"), to: name)
    }
    _ = try folder.write(Array("{}".utf8), to: "config.json")
    let good = try Fixture.bytes("huggingface/bit.parts/model.safetensors.index.json")
    let text = broken.change(String(decoding: good, as: UTF8.self))
    let path = try folder.write(Array(text.utf8), to: "model.safetensors.index.json")
    for path in [path, folder.path] {
      let error = #expect(throws: InputError.self) { try WeightFile.open(path) }
      #expect(error?.description.contains(broken.expected) == true, "\(error?.description ?? "")")
    }
  }

  @Test("Of both forms the safer one is taken, and a dictionary can be asked of neither")
  func choice() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(try Fixture.bytes("huggingface/bit/config.json"), to: "config.json")
    _ = try folder.write(
      try Fixture.bytes("huggingface/bit.bin/pytorch_model.bin"), to: "pytorch_model.bin")
    #expect(
      try WeightFile.open(folder.path).metadata["folder.weights"] == "pytorch_model.bin")
    _ = try folder.write(
      try Fixture.bytes("huggingface/bit/model.safetensors"), to: "model.safetensors")
    #expect(
      try WeightFile.open(folder.path).metadata["folder.weights"] == "model.safetensors")
    #expect(throws: InputError.self) {
      try WeightFile.open(folder.path, dictionary: "model")
    }
  }

  @Test(
    "A configuration that is no JSON is named", arguments: ["", "{", "[1,]", "{\"a\":1,\"a\":2}"])
  func configuration(_ text: String) throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(Array(text.utf8), to: "config.json")
    _ = try folder.write(
      try Fixture.bytes("huggingface/bit/model.safetensors"), to: "model.safetensors")
    let error = #expect(throws: InputError.self) { try WeightFile.open(folder.path) }
    #expect(error?.path.hasSuffix("config.json") == true)
  }

  /// What is wrong with an index, and what must be said of it.
  struct Index: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let expected: String
    let change: @Sendable (String) -> String

    init(_ name: String, _ expected: String, _ change: @escaping @Sendable (String) -> String) {
      (testDescription, self.expected, self.change) = (name, expected, change)
    }

    static let broken: [Index] = [
      .init("a folder above", "not beside it") { $0.replacing(names[0], with: "../\(names[0])") },
      .init("an absolute path", "not beside it") { $0.replacing(names[0], with: "/etc/passwd") },
      .init("a slash with an accent", "not beside it") {
        $0.replacing(names[0], with: "../\u{301}\(names[0])")
      },
      .init("the folder itself", "not beside it") { $0.replacing(names[0], with: "..") },
      .init("a number", "not beside it") { $0.replacing("\"\(names[0])\"", with: "1") },
      .init("a missing file", "no such file") { $0.replacing(names[0], with: "model.x") },
      .init("no map", "is no index") { $0.replacing("weight_map", with: "map") },
      .init("no entries", "is no index") { _ in "{\"weight_map\": {}}" },
      .init("not JSON", "index.json") { String($0.dropLast(4)) },
      .init("the other file", "does not list") { text in
        text.replacing(
          "\"bit.norm.bias\": \"\(names[1])\"", with: "\"bit.norm.bias\": \"\(names[0])\"")
      },
      .init("one too few", "does not list") { text in
        text.replacing("    \"bit.norm.bias\": \"\(names[1])\",\n", with: "")
      },
      .init("one too many", "is not there") { text in
        text.replacing("\"weight_map\": {", with: "\"weight_map\": {\"x\": \"\(names[0])\",")
      },
      .init("itself", "index.json") {
        $0.replacing(names[0], with: "model.safetensors.index.json")
      },
    ]
  }
}
