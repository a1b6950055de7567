import Files
import Tensors
import TestSupport
import Testing

@testable import WeightSources

@Suite("Damaged HDF5 files")
struct HostileHDF5Tests {
  @Test(
    "A changed byte that would cost gigabytes or minutes is refused in seconds",
    .timeLimit(.minutes(30)),
    arguments: [
      // The size of an attribute's text, and the length of a list in a group's heap.
      ("keras/narrow.h5", [1499: 128], "unreadable attribute"),
      ("keras/narrow.weights.h5", [4128: 0, 4136: 0], "took too long"),
    ] as [(String, [Int: UInt8], String)])
  func bounded(_ name: String, _ changes: [Int: UInt8], _ expected: String) throws {
    var bytes = try Fixture.bytes(name)
    for (offset, value) in changes { bytes[offset] = value }
    let folder = try TemporaryFolder()
    let path = try folder.write(bytes, to: "x.h5")
    let error = #expect(throws: InputError.self) { try WeightFile.open(path) }
    #expect(error?.kind == .badData)
    #expect(error?.problem.contains(expected) == true, "\(error?.problem ?? "")")
  }
}
