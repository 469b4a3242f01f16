import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonSyntaxException;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.hl7.fhir.r5.elementmodel.Manager.FhirFormat;
import org.hl7.fhir.r5.model.StructureDefinition;
import org.hl7.fhir.utilities.TimeTracker;
import org.hl7.fhir.utilities.VersionUtilities;
import org.hl7.fhir.utilities.npm.NpmPackage;
import org.hl7.fhir.utilities.validation.ValidationMessage;
import org.hl7.fhir.validation.IgLoader;
import org.hl7.fhir.validation.ValidationEngine;
import org.hl7.fhir.validation.ValidatorUtils;
import org.hl7.fhir.validation.cli.model.CliContext;
import org.hl7.fhir.validation.cli.services.ValidationService;

/**
 * HL7's validator, kept warm: the definitions are loaded once, then one resource follows the other.
 *
 * <p>Arguments: {@code --version 4.0.1}, {@code --ig FOLDER|PACKAGE.tgz|ID#VERSION} (repeatable),
 * {@code --allow-example-urls}, {@code --check-rest-references}. No terminology server is asked.
 *
 * <p>Each line of the standard input is one of
 * <ul>
 *   <li>a file name (JSON, or XML where it ends in .xml),
 *   <li>a resource as JSON on one line,
 *   <li>a request {@code {"name": ..., "base64": the bytes, "format": "json"|"xml", "profiles": [url, ...]}}, which keeps
 *       the bytes and so the line numbers as they are.
 * </ul>
 * and is answered by one JSON line on the standard output:
 * {@code {"name": ..., "issues": [{"severity", "code", "expression", "line", "column", "messageId", "message"}]}}.
 * The first line says that the validator is ready. What the validator tells about itself goes to the standard error.
 */
public final class WarmValidator {
	/** The message id of what this class reports itself, where the validator gave up. */
	private static final String NOT_VALIDATED = "NOT_VALIDATED";

	private final ValidationEngine engine;
	private final PrintStream answers;

	private WarmValidator(ValidationEngine engine, PrintStream answers) {
		this.engine = engine;
		this.answers = answers;
	}

	public static void main(String[] arguments) throws Exception {
		PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
		System.setOut(System.err); // The validator talks on the standard output; that is for answers here.

		List<String> guides = new ArrayList<>();
		CliContext settings = settings(arguments, guides);
		ValidationEngine engine = engine(settings);
		for (String guide : guides) {
			load(engine, guide);
		}
		engine.prepare(); // Makes the snapshots that the guides lack.

		JsonObject ready = new JsonObject();
		ready.addProperty("ready", true);
		ready.addProperty("fhirVersion", engine.getVersion());
		answers.println(ready);
		System.setOut(new PrintStream(OutputStream.nullOutputStream())); // A progress bar for each resource.
		new WarmValidator(engine, answers).answerUntilEndOfInput();
		System.exit(0); // Threads of the HTTP client would keep the process alive.
	}

	private static CliContext settings(String[] arguments, List<String> guides) {
		CliContext settings = new CliContext();
		settings.setTxServer(null);
		settings.setSv("4.0.1");
		// Without this, the target type of a reference such as "Patient/1" is not looked at.
		settings.setAssumeValidRestReferences(true);
		for (int position = 0; position < arguments.length; position++) {
			switch (arguments[position]) {
				case "--version" -> settings.setSv(arguments[++position]);
				case "--ig" -> guides.add(arguments[++position]);
				case "--allow-example-urls" -> settings.setAllowExampleUrls(true);
				case "--check-rest-references" -> settings.setAssumeValidRestReferences(false);
				default -> throw new IllegalArgumentException("unknown argument " + arguments[position]);
			}
		}
		return settings;
	}

	private static ValidationEngine engine(CliContext settings) throws Exception {
		String version = settings.getSv();
		String core = VersionUtilities.packageForVersion(version) + "#" + VersionUtilities.getCurrentVersion(version);
		return new ValidationService().initializeValidator(settings, core, new TimeTracker());
	}

	/**
	 * A package file is loaded alone: its dependencies are mostly value sets under licence, on servers that are
	 * out of reach here, and the validator would refuse the package for want of them.
	 */
	private static void load(ValidationEngine engine, String guide) throws Exception {
		if (!guide.endsWith(".tgz")) {
			IgLoader loader = new IgLoader(engine.getPcm(), engine.getContext(), engine.getVersion(), false);
			loader.loadIg(engine.getIgs(), engine.getBinaries(), guide, false);
			return;
		}
		try (InputStream file = new FileInputStream(guide)) {
			NpmPackage guidePackage = NpmPackage.fromPackage(file);
			int count = engine.getContext()
					.loadFromPackage(guidePackage, ValidatorUtils.loaderForVersion(guidePackage.fhirVersion()));
			System.err.println("  Load " + guidePackage.name() + "#" + guidePackage.version() + " - " + count
					+ " resources, without dependencies: " + guidePackage.dependencies());
		}
	}

	private void answerUntilEndOfInput() throws IOException {
		BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
		for (String line = lines.readLine(); line != null; line = lines.readLine()) {
			if (!line.isBlank()) {
				answers.println(answer(line.strip()));
			}
		}
	}

	private JsonObject answer(String line) {
		String name = line.startsWith("{") ? "(input)" : line;
		List<ValidationMessage> messages = new ArrayList<>();
		try {
			Request request = Request.parse(line);
			name = request.name;
			String unknownProfile = unknownProfile(request.profiles);
			if (unknownProfile != null) {
				return answer(name, messages, "The profile " + unknownProfile + " is in none of the loaded packages.");
			}
			engine.validate(request.content, request.format, request.profiles, messages);
		} catch (Exception | StackOverflowError failure) {
			return answer(name, messages, failure.getClass().getSimpleName() + ": " + failure.getMessage());
		}
		return answer(name, messages, null);
	}

	private String unknownProfile(List<String> profiles) {
		for (String profile : profiles) {
			if (engine.getContext().fetchResource(StructureDefinition.class, profile) == null) {
				return profile;
			}
		}
		return null;
	}

	private static JsonObject answer(String name, List<ValidationMessage> messages, String failure) {
		JsonArray issues = new JsonArray();
		for (ValidationMessage message : messages) {
			issues.add(issue(message));
		}
		if (failure != null) {
			JsonObject issue = new JsonObject();
			issue.addProperty("severity", "fatal");
			issue.addProperty("code", "exception");
			issue.addProperty("messageId", NOT_VALIDATED);
			issue.addProperty("message", failure);
			issues.add(issue);
		}
		JsonObject answer = new JsonObject();
		answer.addProperty("name", name);
		answer.add("issues", issues);
		return answer;
	}

	private static JsonObject issue(ValidationMessage message) {
		JsonObject issue = new JsonObject();
		issue.addProperty("severity", message.getLevel().toCode());
		issue.addProperty("code", message.getType() == null ? null : message.getType().toCode());
		issue.addProperty("expression", message.getLocation());
		issue.addProperty("line", message.getLine());
		issue.addProperty("column", message.getCol());
		issue.addProperty("messageId", message.getMessageId());
		issue.addProperty("message", message.getMessage());
		return issue;
	}

	/** One resource to look at: its name in the answer, its bytes, and the profiles asked for beside meta.profile. */
	private static final class Request {
		private final String name;
		private final byte[] content;
		private final FhirFormat format;
		private final List<String> profiles = new ArrayList<>();

		private Request(String name, byte[] content, FhirFormat format) {
			this.name = name;
			this.content = content;
			this.format = format;
		}

		static Request parse(String line) throws IOException {
			if (!line.startsWith("{")) {
				FhirFormat format = line.endsWith(".xml") ? FhirFormat.XML : FhirFormat.JSON;
				return new Request(line, Files.readAllBytes(Path.of(line)), format);
			}
			JsonObject envelope = envelope(line);
			if (envelope == null) {
				return new Request("(input)", line.getBytes(StandardCharsets.UTF_8), FhirFormat.JSON);
			}
			FhirFormat format = FhirFormat.getFhirFormat(envelope.get("format").getAsString());
			byte[] content = Base64.getDecoder().decode(envelope.get("base64").getAsString());
			Request request = new Request(envelope.get("name").getAsString(), content, format);
			for (JsonElement profile : envelope.getAsJsonArray("profiles")) {
				request.profiles.add(profile.getAsString());
			}
			return request;
		}

		/** The request that the line holds, or null where it holds a resource, be it a broken one. */
		private static JsonObject envelope(String line) {
			try {
				JsonObject parsed = JsonParser.parseString(line).getAsJsonObject();
				return parsed.has("base64") ? parsed : null;
			} catch (JsonSyntaxException | IllegalStateException broken) {
				return null;
			}
		}
	}
}
