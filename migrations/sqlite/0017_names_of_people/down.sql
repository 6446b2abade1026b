DROP INDEX user_names_of_user;
