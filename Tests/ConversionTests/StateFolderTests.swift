import Comparison
import Families
import Files
import RNW
import Tensors
import TestSupport
import Testing
import WeightSources

@testable import Conversion

@Suite("Parameters and state in two files of one folder, as Haiku's people keep them")
struct StateFolderTests {
  /// What a pair is derived from: the same arrays in one file, as the real library names them.
  enum Kind: String, CaseIterable {
    /// Two pickles that `pickle.dump` wrote one after the other.
    case pkl
    case npz

    var whole: String { self == .pkl ? "haiku/bottleneck.pkl" : "haiku/basic.npz" }
    var activations: String {
      "haiku/\(self == .pkl ? "bottleneck" : "basic").activations.npz"
    }
    var layers: Int { self == .pkl ? 37 : 27 }
  }

  /// The two files; others may be added.
  static func folder(of kind: Kind) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    switch kind {
    case .pkl:
      let bytes = try Fixture.bytes("haiku/bottleneck.protocol2.pkl")
      // The end of one, and the beginning of another that is a dictionary.
      let border: [UInt8] = [0x2E, 0x80, 0x02, 0x7D]
      let places = bytes.indices.dropLast(3).filter { Array(bytes[$0..<$0 + 4]) == border }
      #expect(places.count == 1)
      let end = try #require(places.first) + 1
      _ = try folder.write(Array(bytes[..<end]), to: "params.pkl")
      _ = try folder.write(Array(bytes[end...]), to: "state.pkl")
    case .npz:
      let whole = try WeightFile.open(Fixture.path(kind.whole))
      for (name, isState) in [("params", false), ("state", true)] {
        let output = try OutputFile(path: folder.file("\(name).npz"), replacing: false)
        var writer = NPZWriter(to: output)
        for tensor in whole.tensors where tensor.name.contains("_ema/") == isState {
          try writer.append(tensor.name, try whole.tensor(named: tensor.name))
        }
        try writer.finish()
        try output.commit()
      }
    }
    return folder
  }

  @Test("Every layer agrees with what Haiku computed", arguments: Kind.allCases)
  func agrees(_ kind: Kind) throws {
    let folder = try Self.folder(of: kind)
    var request = ConversionRequest(source: folder.path, output: folder.file("x.rnw"))
    request.reference = Fixture.path(kind.activations)
    request.limit = 1e-5
    let outcome = try convert(request) { _, _ in }
    #expect(outcome.passes && outcome.model.family.id == "haiku")
    #expect(outcome.reference?.verdict.compared ?? 0 >= kind.layers)
    let file = try #require(try WeightFile.open(folder.file("x.rnw")) as? RNWFile)
    let record: SourceRecord = try file.source()
    #expect(record.container == "params-and-state")
    // The digest is that of both files, parameters first.
    let bytes = try folder.read("params.\(kind)") + folder.read("state.\(kind)")
    let both = try MappedFile(path: try folder.write(bytes, to: "both"))
    #expect(record.sha256 == sha256(of: both))
  }

  @Test("The tensors are those of one file", arguments: Kind.allCases)
  func tensors(_ kind: Kind) throws {
    let folder = try Self.folder(of: kind)
    let truth = try WeightFile.open(Fixture.path(kind.whole))
    let source = try WeightFile.open(folder.path + "/")
    #expect(source.files.map(\.path.lastName) == ["params.\(kind)", "state.\(kind)"])
    #expect(Set(source.tensors) == Set(truth.tensors))
    for tensor in truth.tensors {
      let values = try truth.tensor(named: tensor.name).floats()
      #expect(try source.tensor(named: tensor.name).floats() == values, "\(tensor.name)")
    }
  }

  @Test("A change of either file while it is read is found", arguments: Kind.allCases)
  func changes(_ kind: Kind) throws {
    for name in ["params", "state"] {
      let folder = try Self.folder(of: kind)
      let source = try WeightFile.open(folder.path)
      try source.checkUnchanged()
      _ = try folder.write([1, 2, 3], to: "\(name).\(kind)")
      let error = #expect(throws: InputError.self) { try source.checkUnchanged() }
      #expect(error?.reason == .changed)
    }
  }

  @Test("Parameters alone are refused by the file that is looked for", arguments: Kind.allCases)
  func parametersAlone(_ kind: Kind) throws {
    let folder = try Self.folder(of: kind)
    func refusal(of name: String) throws -> InputError {
      try #require(throws: InputError.self) { try Model(path: folder.file(name)) }
    }
    let beside = try refusal(of: "params.\(kind)")
    #expect(beside.problem == "has parameters, and no moving statistics of its norms")
    #expect(beside.place?.contains("state.\(kind) was looked for, and is there") == true)
    #expect(beside.hint == "give the folder of both, which is one source: \(folder.path)/")
    let parameters = try folder.read("params.\(kind)")
    _ = try folder.write(parameters, to: "mine.\(kind)")
    #expect(try refusal(of: "mine.\(kind)").hint?.contains("params.\(kind) and state") == true)
    try folder.makeFolder("alone")
    _ = try folder.write(parameters, to: "alone/params.\(kind)")
    let alone = try refusal(of: "alone/params.\(kind)")
    #expect(alone.place?.contains("alone/state.\(kind) was looked for, and is not") == true)
    #expect(alone.reason == .otherNetwork)
    let state = try refusal(of: "state.\(kind)")
    #expect(state.problem == "has moving statistics, and no parameters")
    #expect(state.hint?.contains("params.\(kind) and state.\(kind)") == true)
  }

  @Test("Of another network's state what is missing or left over is named")
  func otherState() throws {
    let folder = try Self.folder(of: .pkl)
    let other = try Self.folder(of: .npz)
    try folder.makeFolder("mixed")
    _ = try folder.write(try folder.read("params.pkl"), to: "mixed/params.pkl")
    _ = try folder.write(try other.read("state.npz"), to: "mixed/state.npz")
    // The two kinds of files may be mixed; the networks may not.
    #expect(try WeightFile.open(folder.file("mixed")).files.count == 2)
    let error = #expect(throws: InputError.self) { try Model(path: folder.file("mixed")) }
    #expect(error?.problem.hasPrefix("does not fit") == true)
  }

  @Test("Two files of one meaning, and one tensor in both files, are refused")
  func ambiguous() throws {
    let folder = try Self.folder(of: .pkl)
    let whole = try Fixture.bytes("haiku/bottleneck.npz")
    _ = try folder.write(whole, to: "params.npz")
    func problem() -> String {
      let error = #expect(throws: InputError.self) { try WeightFile.open(folder.path) }
      return error?.description ?? ""
    }
    #expect(problem().contains("several files of one meaning (params.pkl, params.npz)"))
    // Whatever its name says, a file is what its content is: this one holds the state as well.
    _ = try folder.write(whole, to: "params.pkl")
    try folder.remove("params.npz")
    #expect(problem().contains("in params.pkl and state.pkl"))
  }

  @Test("A folder of one of the two is a folder of files")
  func one() throws {
    let folder = try Self.folder(of: .npz)
    try folder.remove("state.npz")
    try folder.makeFolder("state.npz")
    let error = #expect(throws: InputError.self) { try WeightFile.open(folder.path) }
    #expect(error?.problem == "is a folder")
    #expect(error?.hint?.contains("params.npz") == true)
  }
}
