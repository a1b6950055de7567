import Files
import TestSupport
import Testing
import WeightSources

@testable import Batch

@Suite("What of a folder is an item")
struct FolderItemsTests {
  private static let knowledge = FolderItems.Knowledge(
    folder: { ModelPlaces.folder($0) },
    file: { ModelPlaces.isModel($0, beside: $1) ? .model : .stray })

  private func items(_ path: String, excluding output: String = "/nowhere") throws -> FolderItems {
    try FolderItems(of: path, excluding: RecordFolder(output), knowledge: Self.knowledge)
  }

  @Test("Folders of Hugging Face's are one item each, and parts are none")
  func huggingFace() throws {
    let found = try items(Fixture.path("huggingface"))
    #expect(
      found.models == [
        "bit", "bit.activations.npz", "bit.bin", "bit.bin.parts", "bit.parts", "bit.pth.tar",
        "bit.stride4.activations.npz", "model",
      ])
    #expect(found.strays == ["make_fixtures.py", "requirements.txt"])
  }

  @Test("A checkpoint of TensorFlow's is its index, in whichever folder")
  func tensorFlow() throws {
    let found = try items(Fixture.path("tensorflow"))
    #expect(
      Set(found.models.filter { !$0.hasSuffix(".npz") }) == [
        "keras.training.index", "keras.weights.index", "keras3.export.index",
        "slim/model.ckpt-3.index", "slim.ckpt",
        "slim.parts.index", "slim.snappy.index", "whole",
      ])
    #expect(
      ModelPlaces.companions(of: Fixture.path("tensorflow/slim.parts.index")).map(\.lastName) == [
        "slim.parts.data-00000-of-00002", "slim.parts.data-00001-of-00002",
      ])
  }

  @Test("A SavedModel is one item, and so are weights in several files by their index")
  func savedModel() throws {
    let folder = try TemporaryFolder()
    for place in ["saved/variables", "saved/assets", "parts", ".hidden"] {
      try folder.makeFolder(place)
    }
    for name in [
      "saved/saved_model.pb", "saved/variables/variables.index", "saved/assets/words.npz",
      "parts/model-00001-of-00002.safetensors", "parts/model-00002-of-00002.safetensors",
      "parts/model.safetensors.index.json", "parts/.model.h5", ".hidden/x.h5", "noise.h5.txt",
      "UPPER.H5",
    ] { _ = try folder.write([], to: name) }
    #expect(
      try items(folder.path).models == [
        "UPPER.H5", "parts/model.safetensors.index.json", "saved",
      ])
    #expect(
      ModelPlaces.companions(of: folder.file("parts/model.safetensors.index.json")).map(\.lastName)
        == ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"])
    #expect(try items(folder.file("saved")).models == ["."])
  }

  @Test("Parameters and state of Haiku in one folder are one item, which both files count for")
  func parametersAndState() throws {
    let folder = try TemporaryFolder()
    for name in ["a/b", "c", "d", "digests"] { try folder.makeFolder(name) }
    for name in [
      "a/params.pkl", "a/state.pkl", "a/b/x.h5", "c/params.npz", "c/state.npz", "d/params.pkl",
      "d/my_state.pkl",
    ] { _ = try folder.write([], to: name) }
    #expect(
      try items(folder.path).models == ["a", "a/b/x.h5", "c", "d/my_state.pkl", "d/params.pkl"])
    let item = BatchItem(name: "c", source: folder.file("c"), options: [], files: [], place: "")
    #expect(
      item.neededFiles(companions: ModelPlaces.companions).map(\.lastName) == [
        "params.npz", "state.npz",
      ])
    var keys: Set<String> = []
    for change in ["", "params.npz", "state.npz"] {
      if !change.isEmpty { _ = try folder.write([1, 2, 3], to: "c/\(change)") }
      let digests = DigestCache(folder: folder.file("digests"), name: "1-of-1")
      keys.insert(
        ItemKey(
          of: item, isVerified: true, version: "0", companions: ModelPlaces.companions,
          digests: digests
        ).text)
    }
    #expect(keys.count == 3)
  }

  @Test("The folder that is written to is not looked into")
  func output() throws {
    let folder = try TemporaryFolder()
    try folder.makeFolder("out/models")
    for name in ["a.h5", "out/models/a.h5.rnw"] { _ = try folder.write([], to: name) }
    #expect(try items(folder.path, excluding: folder.file("out")).models == ["a.h5"])
  }

  @Test("What a batch has written beside its sources is no item, and a source among it is refused")
  func outputBesideSources() throws {
    let folder = try TemporaryFolder()
    for name in ["models", "records", "digests", "more"] { try folder.makeFolder(name) }
    for name in ["a.h5", "more/b.h5", "models/a.h5.rnw"] { _ = try folder.write([], to: name) }
    #expect(try items(folder.path, excluding: folder.path).models == ["a.h5", "more/b.h5"])
    // Of that batch this one writes nothing.
    #expect(try items(folder.path).models.count == 3)
    _ = try folder.write([], to: "models/c.h5")
    for source in [folder.path, folder.file("models"), folder.file("models/.")] {
      let error = #expect(throws: InputError.self) {
        try items(source, excluding: folder.path)
      }
      #expect(error?.problem == "is in a folder that this batch writes to")
    }
  }

  @Test("Models in a folder named as the one that a first batch would write to are not passed over")
  func sourcesInPlaceOfOutput() throws {
    let folder = try TemporaryFolder()
    try folder.makeFolder("models")
    _ = try folder.write([], to: "models/a.rnw")
    let error = #expect(throws: InputError.self) {
      try items(folder.path, excluding: folder.path)
    }
    #expect(error?.path == folder.file("models/a.rnw"))
  }

  @Test("A folder that is not there is an error of its path")
  func missing() throws {
    #expect(throws: InputError.self) { _ = try items("/nowhere/models") }
  }
}
