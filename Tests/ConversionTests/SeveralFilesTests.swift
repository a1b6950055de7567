import Files
import RNW
import Tensors
import TestSupport
import Testing
import WeightSources

@testable import Conversion

@Suite("Sources in several files")
struct SeveralFilesTests {
  @Test("The digest in the record is that of all files, one after the other")
  func digest() throws {
    let folder = try TemporaryFolder()
    let names = ["slim.parts.index"] + (0..<2).map { "slim.parts.data-0000\($0)-of-00002" }
    var all: [UInt8] = []
    for name in names { all += try Fixture.bytes("tensorflow/\(name)") }
    let whole = try MappedFile(path: try folder.write(all, to: "whole"))
    _ = try convert(
      ConversionRequest(
        source: Fixture.path("tensorflow/slim.parts"), output: folder.file("x.rnw"))
    ) { _, _ in }
    let file = try #require(try WeightFile.open(folder.file("x.rnw")) as? RNWFile)
    let record: SourceRecord = try file.source()
    #expect(record.sha256 == sha256(of: whole))
    #expect(record.container == "tf-checkpoint")
    #expect(record.file == "slim.parts")
  }

  @Test("A part that changes while it is read is found, whichever it is", arguments: 0..<3)
  func changes(_ part: Int) throws {
    let folder = try TemporaryFolder()
    let names = ["index"] + (0..<2).map { "data-0000\($0)-of-00002" }
    for name in names {
      _ = try folder.write(try Fixture.bytes("tensorflow/slim.parts.\(name)"), to: "x.\(name)")
    }
    let source = try WeightFile.open(folder.file("x"))
    #expect(source.files.count == 3)
    try source.checkUnchanged()
    _ = try folder.write([1, 2, 3], to: "x.\(names[part])")
    let error = #expect(throws: InputError.self) { try source.checkUnchanged() }
    #expect(error?.reason == .changed)
  }
}
