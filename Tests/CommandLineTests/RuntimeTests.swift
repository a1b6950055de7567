import TestSupport
import Testing

@Suite("Programs on trial", .timeLimit(.minutes(30)))
struct RuntimeTests {
  private static let model = Fixture.path("keras/narrow.keras")
  private static let activations = Fixture.path("keras/narrow.activations.npz")

  @Test("What Keras computed is right, and its archive is judged as it is")
  func archive() async throws {
    let result = try await Program.run(["verify", Self.model, "--candidate", Self.activations])
    #expect(result.status == 0, "\(result.error)")
    #expect(result.output.contains("PASS"))
    #expect(result.output.contains("the values are in the order N, H, W, C"))
  }

  @Test(
    "A program that cannot be asked is one line with its reason and status 66",
    arguments: [
      ("exit 3", "ended with status 3"),
      ("echo words >&2; exit 3", "ended with status 3: words"),
      ("kill -SEGV $$", "ended by signal 11"),
      ("echo hello", "is no line of JSON"),
      ("echo '[]'", "is no object"),
      ("echo '{\"layers\": 3}'", "that are no list of names"),
      ("echo '{\"layout\": \"CHWN\"}'", "layout 'CHWN'"),
      ("echo '{\"error\": \"no such model\"}'", "the program says: no such model"),
      ("sleep 30", "gave no answer within 1 s"),
      ("/no/such/program", "ended with status 127"),
    ])
  func greetings(_ command: String, _ reason: String) async throws {
    let result = try await Program.run(
      ["verify", Self.model, "--runtime", command, "--runtime-timeout", "1"])
    #expect(result.status == 66, "\(command): \(result.error)")
    #expect(result.error.contains(reason), "\(command): \(result.error)")
    #expect(result.error.split(separator: "\n").count == 1)
  }

  /// A program that takes the greeting and the input, and does something with the first layer it is asked for.
  private static func program(_ answer: String) -> String {
    // The input of this archive is 2×47×65×3 32-bit floats.
    "read hello; echo '{\"layers\": [\"conv1_conv\", \"pool1_pool\"]}'; "
      + "read input; head -c 73320 >/dev/null; echo '{}'; read layer; \(answer)"
  }

  @Test(
    "A crash, a hang and a wrong size are findings with the layer's name",
    arguments: [
      ("echo broken >&2; exit 7", "the program ended with status 7: broken"),
      ("kill -ABRT $$", "the program ended by signal 6"),
      ("sleep 30", "the program gave no answer within 2 s"),
      ("echo nonsense", "the program's answer is no line of JSON"),
      ("echo '{\"shape\": [1,-1]}'", "no 'shape' of whole numbers"),
      ("echo '{\"shape\": [99999,99999,99]}'", "expected 2×24×33"),
      ("echo '{\"shape\": [1,1]}'; head -c 4 /dev/zero; sleep 30", "the shape is 1×1, expected"),
      ("echo '{\"error\": \"no memory\"}'; sleep 30", "the program says: no memory"),
    ])
  func findings(_ answer: String, _ problem: String) async throws {
    let result = try await Program.run(
      [
        "verify", Self.model, "--runtime", Self.program(answer), "--runtime-timeout", "2",
        "--input", Self.activations,
      ])
    #expect(result.status == 1, "\(result.error)")
    let words = result.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(words.contains("culprit conv1_conv"), "\(result.output)")
    #expect(words.contains(problem), "\(result.output)")
  }

  @Test(
    "A program that computes layers from given inputs is given them, and judged by what it makes of them"
  )
  func isolated() async throws {
    // It gives 2×24×33×8 zeros from its own run, and again from the input that it is handed.
    let zeros = "echo '{\"shape\": [2,24,33,8]}'; head -c 50688 /dev/zero"
    let program =
      "read hello; echo '{\"layers\": [\"conv1_conv\"], \"isolated\": true}'; "
      + "read input; head -c 73320 >/dev/null; echo '{}'; read layer; \(zeros); "
      + "read alone; case \"$alone\" in *inputs*conv1_conv*) ;; *) exit 5;; esac; "
      + "head -c 73320 >/dev/null; \(zeros)"
    let result = try await Program.run(
      [
        "verify", Self.model, "--runtime", program, "--runtime-timeout", "10", "--input",
        Self.activations, "--json", "--no-diagnosis",
      ])
    #expect(result.status == 1, "\(result.error)")
    #expect(result.output.contains("\"isolated\" : {") || result.output.contains("\"isolated\":{"))
    #expect(!result.output.contains("the program ended"), "\(result.output)")
  }

  @Test(
    "Asked twice, a program that gives other bits is named with the layer",
    arguments: [
      ("/dev/zero", "two runs give the same bits"),
      ("/dev/urandom", "conv1_conv is the first layer that is not the same in two runs"),
    ])
  func twice(_ second: String, _ remark: String) async throws {
    func value(_ file: String) -> String {
      "read layer; echo '{\"shape\": [2,24,33,8]}'; head -c 50688 \(file)"
    }
    let input = "read input; head -c 73320 >/dev/null; echo '{}'"
    let program =
      "read hello; echo '{\"layers\": [\"conv1_conv\"]}'; \(input); \(value("/dev/zero")); "
      + "\(input); \(value(second))"
    let result = try await Program.run(
      [
        "verify", Self.model, "--runtime", program, "--twice", "--runtime-timeout", "10", "--input",
        Self.activations, "--no-diagnosis",
      ])
    #expect(result.status == 1, "\(result.error)")
    let words = result.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(words.contains(remark), "\(result.output)")
  }

  @Test(
    "A program that gives one layer for each run is asked few times, and what it gives is judged")
  func oneLayer() async throws {
    let result = try await Program.run(
      [
        "verify", Self.model, "--runtime", "cat >/dev/null; echo {layer} {shape} >&2; exit 9",
        "--input", Self.activations,
      ])
    #expect(result.status == 1)
    #expect(result.output.contains("the program was run"), "\(result.output)")
    #expect(result.output.contains("ended with status 9: "), "\(result.output)")
  }

  @Test(
    "Options that do nothing are refused",
    arguments: [
      ["--candidate", "a.npz", "--runtime", "true"], ["--layer-names", "n.json"],
      ["--runtime", "true", "--layer-names", "n.json"], ["--runtime-timeout", "3"],
      ["--candidate", "a.npz", "--runtime-timeout", "3"], ["--twice"],
      ["--runtime", "x {layer}", "--twice"], ["--candidate", "a.npz", "--isolated"],
      ["--runtime", "true", "--runtime-timeout", "0"],
    ])
  func usage(_ options: [String]) async throws {
    let result = try await Program.run(["verify", Self.model] + options)
    #expect(result.status == 64, "\(options): \(result.error)")
  }
}
