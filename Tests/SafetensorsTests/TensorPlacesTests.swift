import Files
import Safetensors
import Tensors
import TestSupport
import Testing

@Suite("Memory of tensors that nobody uses")
struct TensorPlacesTests {
  @Test(
    "Of a copied file only the tensors that are used stay in memory; the others are the file's again"
  )
  func releases() throws {
    let folder = try TemporaryFolder()
    // More than two pages each, so that each has whole pages of its own.
    let count = 64 << 10
    let tensors = ["a", "b", "c"].map { name in
      (name: name, data: TensorData(shape: [count], values: [Float](repeating: 1, count: count)))
    }
    let output = try OutputFile(path: folder.file("x.safetensors"), replacing: false)
    try SafetensorsWriter.write(tensors, to: output)
    try output.commit()
    let source = try SafetensorsFile(MappedFile(path: folder.file("x.safetensors"), copying: true))
    source.releaseAll(but: ["b"])
    #expect(
      try source.tensors.allSatisfy { try source.tensor(named: $0.name).floats()[count / 2] == 1 })

    _ = try folder.write([UInt8](repeating: 0, count: source.byteCount), to: "x.safetensors")
    #expect(try source.tensor(named: "b").floats().allSatisfy { $0 == 1 })
    for name in ["a", "c"] {
      #expect(try source.tensor(named: name).floats()[count / 2] == 0)
    }
  }
}
