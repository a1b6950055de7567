import Plain
import Safetensors
import Testing

@testable import RNW

@Suite("The records of tensors")
struct TensorRecordTests {
  @Test("A record is read whatever the order of its keys, and later keys are passed over")
  func reads() throws {
    let records = try TensorRecordParser.records(
      #"""
      {"a": {"crc32": 4294967295, "shape": [], "encoding": "raw", "dtype": "F32"},
       "b\u00e9": {"dtype": "I8", "shape": [2, 3], "later": {"x": [1.5e-3, true, {"y": "}"}]},
        "encoding": "planes", "storedCRC32": 7, "crc32": 0, "scales": "s"}}
      """#)
    #expect(
      records == [
        "a": TensorRecord(dtype: "F32", shape: [], encoding: .raw, crc32: .max),
        "bé": TensorRecord(
          dtype: "I8", shape: [2, 3], encoding: .planes, crc32: 0, storedCRC32: 7, scales: "s"),
      ])
  }

  @Test(
    "A record that is not whole, says a thing twice or says what cannot be is refused",
    arguments: [
      "", "[]", "{", #"{"a":1}"#, #"{"a":{}} x"#,
      #"{"a":{"dtype":"F32","shape":[],"encoding":"raw"}}"#,
      #"{"a":{"dtype":"F32","shape":[],"encoding":"gzip","crc32":1}}"#,
      #"{"a":{"dtype":"F32","shape":[],"encoding":"raw","crc32":4294967296}}"#,
      #"{"a":{"dtype":"F32","shape":[],"encoding":"raw","crc32":-1}}"#,
      #"{"a":{"dtype":"F32","shape":[-1],"encoding":"raw","crc32":1}}"#,
      #"{"a":{"dtype":"F32","shape":[],"encoding":"raw","crc32":1,"crc32":1}}"#,
      #"{"a":{"dtype":"F32","shape":[],"encoding":"raw","crc32":1},"#
        + #""a":{"dtype":"F32","shape":[],"encoding":"raw","crc32":1}}"#,
      #"{"a":{"dtype":"F32","shape":[],"encoding":"raw","crc32":1,"x":}}"#,
      #"{"a":{"dtype":"F32","shape":[],"encoding":"raw","crc32":1,"x":"#
        + String(repeating: "[", count: 100_000) + "}}",
    ])
  func refuses(_ json: String) {
    #expect(throws: FormatFault.self) { try TensorRecordParser.records(json) }
  }
}
